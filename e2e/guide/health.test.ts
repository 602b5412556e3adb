// Every command of the guide "Health" does what the guide says, in one folder, with programs by their names.
import { join } from 'node:path';
import { testShellGuide } from '../harness/shell-guide.ts';

await testShellGuide(join(import.meta.dirname, '../../docs/guide/health.md'));
