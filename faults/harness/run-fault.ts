// Runs one fault in namespaces of its own (network, mounts, processes): `scripts/faults.ts` starts it with `unshare`. What it measured goes
// to a file as JSON; the exit code says only whether it could be measured.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programsOf } from '../../examples/demo/programs.ts';
import { describeControlPlanes } from './control-plane.ts';
import { describeDatabases } from './database.ts';
import { type Fault, isMet, type Runtime } from './fault.ts';
import { openBridge } from './hosts.ts';

const { values } = parseArgs({
  options: {
    fault: { type: 'string', default: '' },
    runtime: { type: 'string', default: 'executable' },
    report: { type: 'string', default: '' },
    long: { type: 'boolean', default: false },
    minutes: { type: 'string' },
  },
});
const runtime = values.runtime as Runtime;
const { fault }: { fault: Fault } = await import(`../${values.fault}/fault.ts`);
const folder = mkdtempSync(join(tmpdir(), 'ursa-fault-'));

let code = 0;
try {
  openBridge();
  const figures = await fault.run({
    programs: programsOf(runtime === 'executable' ? 'dist' : 'node'),
    runtime,
    folder,
    long: values.long,
    minutes: values.minutes === undefined ? undefined : Number(values.minutes),
    say: (line) => console.log(`    ${line}`),
  });
  writeFileSync(values.report, JSON.stringify(figures));
  if (!figures.every(isMet)) console.log(await describeDatabases());
} catch (error) {
  console.error(error);
  console.error(await describeControlPlanes());
  console.error(await describeDatabases());
  code = 1;
}
// All that was started and mounted goes with this process: it is the first of its namespaces. Whoever has started it deletes the folder.
process.exit(code);
