// Runs the commands of a guide against a demo of its own. The demo takes free ports, so its addresses are put into the commands.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from '../../examples/demo/run-demo.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type GuideStep, missingLine } from './guide.ts';
import { answers, programs } from './world.ts';

const root = join(import.meta.dirname, '../..');

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
      { cwd: root, env: { ...process.env, ...environment }, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
      },
    );
  });
}

/** Starts a demo, runs the steps in order and holds what they print against what the guide says they do; the demo ends in any case. */
export async function followDemoGuide(steps: readonly GuideStep[]): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'ursa-guide-'));
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
    const environment = { HOME: home, CONTROL_PLANE: controlPlane };
    assert.equal((await shell(connect, environment)).code, 0, connect);
    for (const { line, commands, prints } of steps) {
      const { code, output: printed } = await shell(commands.replaceAll('http://127.0.0.1:5000', page), environment);
      assert.equal(code, 0, `line ${line}: ${commands}\n${printed}`);
      assert.equal(missingLine(printed, prints), undefined, `line ${line}: ${commands}\n${printed}`);
    }
    await answers(`${page}/counter`, 200);
  } finally {
    end.abort();
    rmSync(home, { recursive: true });
    assert.equal(await running, 0);
  }
}
