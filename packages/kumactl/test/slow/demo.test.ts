// `kumactl demo`, from source and as the single-file executable beside kuma-cp and kuma-dp.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess } from '../../../../examples/demo/child-process.ts';
import { waitFor } from '../../../../examples/demo/wait-for.ts';

const root = join(import.meta.dirname, '../../../..');
const executable = join(root, 'dist/kumactl');
const source = [process.execPath, join(root, 'packages/kumactl/bin/kumactl.js')];
const notBuilt = existsSync(executable) ? false : 'the executables are not built';

async function countOnce(command: readonly string[]): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'kumactl-demo-'));
  const demo = startProcess({ name: 'kumactl demo', command, args: ['demo'], environment: { TMPDIR: temporary } });
  try {
    const page = await waitFor(
      'the demo runs',
      () => demo.output().match(/Open (http:\S+)/)?.[1] ?? (demo.running() ? undefined : 'it ended'),
      { within: 60_000 },
    );
    assert.match(page, /^http:/, demo.output());
    assert.match(await (await fetch(page)).text(), /<title>Counter/);
    const counted = await fetch(`${page}/counter`, { method: 'POST' });
    assert.equal(JSON.parse(await counted.text()).text, '1');
  } finally {
    demo.signal('SIGINT');
    await demo.exited;
  }
  assert.equal((await demo.exited).code, 0, demo.output());
  assert.deepEqual(readdirSync(temporary), []);
  rmSync(temporary, { recursive: true });
}

test('from a clone the demo counts, and Ctrl-C leaves nothing', () => countOnce(source));

test('the executable runs its siblings and has the services inside', { skip: notBuilt }, () => countOnce([executable]));
