// Every command of the guide "Tokens" does what the guide says.
import { join } from 'node:path';
import { followControlPlaneGuide } from '../harness/control-plane-guide.ts';

await followControlPlaneGuide(join(import.meta.dirname, '../../docs/guide/tokens.md'));
