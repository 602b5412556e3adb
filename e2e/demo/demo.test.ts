// The demo starts on any machine, does what it says, and leaves nothing behind.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startProcess } from '../../examples/demo/child-process.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { processesWith } from '../harness/processes.ts';
import { answers } from '../harness/world.ts';

const temp = mkdtempSync(join(tmpdir(), 'ursa-demo-test-'));
after(() => rmSync(temp, { recursive: true }));
const root = join(import.meta.dirname, '../..');
const dist = process.env.URSA_E2E_RUNTIME === 'dist' ? ['--dist'] : [];

test('it counts over mutual TLS, outlives its control plane, and leaves nothing when npm is told to end', async () => {
  const demo = startProcess({
    name: 'demo',
    command: ['npm', '--prefix', root],
    args: ['run', 'demo', '--', ...dist],
    // npm would keep compiled code of its own there.
    environment: { TMPDIR: temp, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  try {
    const page = await waitFor(
      'the demo runs',
      () => demo.output().match(/Open (http:\S+)/)?.[1] ?? (demo.running() ? undefined : 'it ended'),
      { within: 60_000 },
    );
    assert.match(page, /^http:/, demo.output());
    assert.match(await answers(page, 200), /<title>Counter/);
    const before = Number(JSON.parse(await answers(`${page}/counter`, 200)).text);
    const after = await (await fetch(`${page}/counter`, { method: 'POST' })).json();
    assert.equal(Number((after as { text: string }).text), before + 1);
    const controlPlane = Number(demo.output().match(/kuma-cp, process (\d+)/)?.[1]);
    process.kill(controlPlane, 'SIGKILL');
    await waitFor('it notices', () => demo.output().includes('the control plane is gone'));
    await answers(`${page}/counter`, 200);
  } finally {
    demo.signal('SIGTERM');
    const { code } = await demo.exited;
    assert.equal(code, 0, demo.output());
  }
  assert.match(demo.output(), /nothing is left running/);
  assert.deepEqual(readdirSync(temp), []);
  await waitFor('no process is left', () => processesWith(temp).length === 0);
});
