// Every command of the guide does what the guide says. The demo runs on free ports, so its addresses are put into the commands.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runDemo } from '../../examples/demo/run-demo.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { answers, programs } from '../harness/world.ts';

const root = join(import.meta.dirname, '../..');
const steps = readGuide(join(root, 'docs/guide/first-five-minutes.md'));
const home = mkdtempSync(join(tmpdir(), 'ursa-guide-'));
after(() => rmSync(home, { recursive: true }));

// `npx kumactl` as a clone has it; other builds are called directly.
const kumactl = programs.kumactl.map((word) => `'${word}'`).join(' ');
const prelude = `npx() { local name=$1; shift; if [ "$name" != kumactl ]; then echo "the guide uses npx $name"; return 127; fi; ${kumactl} "$@"; }\n`;

function shell(
  commands: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', `${prelude}exec 2>&1; set -eo pipefail\n${commands}`],
      { cwd: root, env: { ...process.env, HOME: home, ...environment }, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
      },
    );
  });
}

test('the first five minutes', async () => {
  const [start, ...rest] = steps;
  assert.equal(start?.commands, 'npm ci && npm run demo');
  assert.ok(rest.length > 5, 'the guide has commands');
  let output = '';
  const end = new AbortController();
  const running = runDemo({ programs, usualPorts: false, write: (text) => (output += text), end: end.signal });
  try {
    const page = await waitFor(
      'the demo runs',
      () => output.match(/Open (http:\S+)/)?.[1] ?? (output.includes('did not start') ? 'failed' : undefined),
      { within: 60_000 },
    );
    assert.notEqual(page, 'failed', output);
    const connect = output.match(/npx (kumactl config control-planes add .*)/)?.[0] ?? '';
    const controlPlane = output.match(/kuma-cp, process (\d+)/)?.[1] ?? '';
    assert.equal((await shell(connect, {})).code, 0, connect);
    for (const { line, commands, prints } of rest) {
      const { code, output: printed } = await shell(commands.replaceAll('http://127.0.0.1:5000', page), {
        CONTROL_PLANE: controlPlane,
      });
      assert.equal(code, 0, `line ${line}: ${commands}\n${printed}`);
      assert.equal(missingLine(printed, prints), undefined, `line ${line}: ${commands}\n${printed}`);
    }
    await answers(`${page}/counter`, 200);
  } finally {
    end.abort();
    assert.equal(await running, 0);
  }
});
