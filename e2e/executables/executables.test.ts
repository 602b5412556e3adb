// The executables, as they are shipped: they mind their own business, wherever they are started, and cost little while nothing happens.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { programsIn } from '../../examples/demo/programs.ts';

const dist = join(import.meta.dirname, '..', '..', 'dist');
const skip = !existsSync(join(dist, 'SHA256SUMS')) && 'there are no executables: npm run build makes them';

test('no executable executes, or takes settings from, what lies in the folder it is started in', {
  skip,
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-executables-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const traces = join(folder, 'traces');
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preloaded.ts"]\n');
  writeFileSync(join(folder, 'preloaded.ts'), `require('node:fs').writeFileSync(${JSON.stringify(traces)}, '');\n`);
  writeFileSync(join(folder, '.env'), 'KUMA_STORE_TYPE=nonsense\n');
  const environment = { ...process.env, KUMA_GENERAL_WORK_DIR: join(folder, 'work') };
  const run = ([program = '']: readonly string[], ...args: readonly string[]) =>
    execFileSync(program, args, { cwd: folder, env: environment, encoding: 'utf8' });
  const { controlPlane, dataPlane, kumactl } = programsIn(dist);
  assert.match(run(controlPlane, 'version'), /^Ursa: /);
  assert.match(run(dataPlane, 'version'), /^Ursa: /);
  assert.match(run(kumactl, 'version'), /^Client: Ursa /);
  // Reads the settings, and would refuse this one.
  run(controlPlane, 'migrate', 'up');
  assert.equal(existsSync(traces), false);
});

test('the control plane tells the runtime when to collect garbage and what not to compile', {
  skip,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-executables-'));
  const { controlPlane: command } = programsIn(dist);
  const controlPlane = await startControlPlane({ command, folder, usualPorts: false });
  context.after(async () => {
    await controlPlane.stop();
    rmSync(folder, { recursive: true });
  });
  const environment = readFileSync(`/proc/${controlPlane.process().pid}/environ`, 'utf8').split('\0');
  assert.ok(environment.includes('BUN_GC_TIMER_DISABLE=1'));
  assert.ok(environment.includes('BUN_JSC_gcMaxHeapSize=33554432'));
  assert.ok(environment.includes('BUN_JSC_useFTLJIT=0'));
});
