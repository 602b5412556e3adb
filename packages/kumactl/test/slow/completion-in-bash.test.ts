// Completion in a real bash: the script is loaded, the words are set as bash sets them, and a kumactl on PATH is asked.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openStubServer, run, type StubServer } from '../terminal.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'kumactl-completion-'));
let server: StubServer;

before(async () => {
  server = await openStubServer(() => ({ body: { items: [{ name: 'slow' }, { name: 'fast' }] } }));
  const config = join(folder, 'config');
  writeFileSync(
    config,
    JSON.stringify({
      controlPlanes: [{ name: 'stub', coordinates: { apiServer: { url: server.url } } }],
      contexts: [{ name: 'stub', controlPlane: 'stub' }],
      currentContext: 'stub',
    }),
  );
  const program = `#!/bin/sh\nexec "${process.execPath}" "${main}" --config-file "${config}" "$@"\n`;
  writeFileSync(join(folder, 'kumactl'), program, { mode: 0o755 });
  writeFileSync(join(folder, 'completion.bash'), (await run(['completion', 'bash'])).stdout);
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** What bash would offer for the words, the last of which is being typed. */
async function offered(...words: string[]): Promise<readonly string[]> {
  const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kumactl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-c', script, 'bash', join(folder, 'completion.bash'), 'kumactl', ...words],
    {
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
      timeout: 60_000,
    },
  );
  return stdout.trim().split('\n');
}

test('the scripts are valid in the shells that are here', async () => {
  execFileSync('bash', ['-n', join(folder, 'completion.bash')]);
});

test('commands, types, names and values are offered', async () => {
  assert.deepEqual(await offered('ge'), ['generate', 'get']);
  assert.deepEqual(await offered('get', 'meshtimeo'), ['meshtimeouts']);
  assert.deepEqual(await offered('get', 'meshtimeouts', ''), ['fast', 'slow']);
  assert.deepEqual(await offered('get', 'meshtimeouts', '--output', '=', 'j'), ['json']);
  assert.deepEqual(await offered('--context', ''), ['stub']);
});
