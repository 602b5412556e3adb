// The programs mind their own business, wherever they are started, and cost little while nothing happens.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { processesWith, processName } from '../harness/processes.ts';
import { openWorld, programs } from '../harness/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-executables-'));
const world = await openWorld();
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const shipped = process.env.URSA_E2E_RUNTIME === 'dist';
const environmentOf = (pid: number): readonly string[] => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');

test('no program executes, or takes settings from, what lies in the folder it is started in', {
  skip:
    process.env.URSA_E2E_RUNTIME === 'bun' &&
    'from source Bun itself reads these files; the executables are told not to',
}, () => {
  const traces = join(folder, 'traces');
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preloaded.ts"]\n');
  writeFileSync(join(folder, 'preloaded.ts'), `require('node:fs').writeFileSync(${JSON.stringify(traces)}, '');\n`);
  writeFileSync(join(folder, '.env'), 'KUMA_STORE_TYPE=nonsense\n');
  const environment = { ...process.env, KUMA_GENERAL_WORK_DIR: join(folder, 'work') };
  const run = ([program = '', ...leading]: readonly string[], ...args: readonly string[]) =>
    execFileSync(program, [...leading, ...args], { cwd: folder, env: environment, encoding: 'utf8' });
  assert.match(run(programs.controlPlane, 'version'), /^Ursa: /);
  assert.match(run(programs.dataPlane, 'version'), /^Ursa: /);
  assert.match(run(programs.kumactl, 'version'), /^Client: Ursa /);
  // Reads the settings, and would refuse this one.
  run(programs.controlPlane, 'migrate', 'up');
  assert.equal(existsSync(traces), false);
});

test('programs that run for long do without the timer of Bun that collects each second, and what they start keeps its own', {
  skip: !shipped && 'the timer is that of the executables',
}, async () => {
  const service = await world.start({ service: 'quiet' });
  const { pid } = service.proxy.process;
  assert.ok(environmentOf(pid).some((entry) => entry.startsWith('BUN_GC_TIMER_DISABLE=')));
  const envoy = await waitFor('Envoy runs', () =>
    processesWith(`${world.folder}/${service.name}/bootstrap.yaml`).find((found) => processName(found) === 'envoy'),
  );
  assert.ok(!environmentOf(envoy).some((entry) => entry.startsWith('BUN_GC_TIMER_DISABLE=')));
});
