// What the programs need before they can be loaded from their sources: a fresh clone has no generated code yet. Costs one look at the disk afterwards.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../packages/envoy/gen/.inputs', import.meta.url))) {
  console.error("Envoy's API is generated, once: half a minute");
  await import('./generate.ts');
}
