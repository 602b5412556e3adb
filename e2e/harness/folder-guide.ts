// Guides that are typed in one folder, with programs by their names: each block is run there as it stands, and prints what the guide says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingLine, readGuide } from './guide.ts';
import { programs, type World } from './world.ts';

/**
 * Declares a test for each block of `docs/guide/<name>`, run against the world's control plane; they run in their order. `before` does what happens
 * elsewhere meanwhile.
 */
export function testFolderGuide(
  world: World,
  name: string,
  before: (commands: string) => Promise<void> = async () => {},
): void {
  const folder = join(world.folder, 'guide');
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const configFile = join(folder, 'kumactl.json');
  const words = [...programs.kumactl, '--config-file', configFile].map((word) => `'${word}'`).join(' ');
  writeFileSync(join(bin, 'kumactl'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'here', coordinates: { apiServer: { url: world.controlPlane.apiUrl } } }],
      contexts: [{ name: 'here', controlPlane: 'here' }],
      currentContext: 'here',
    }),
  );
  const run = (commands: string): Promise<{ readonly code: number; readonly output: string }> =>
    new Promise((resolve) => {
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
      const options = { cwd: folder, env, timeout: 120_000 };
      execFile('bash', ['-c', `exec 2>&1; set -e\n${commands}`], options, (error, output) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output }),
      );
    });
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide', name));
  for (const { line, commands, prints } of steps) {
    test(`line ${line}: ${commands.split('\n')[0]}`, async () => {
      await before(commands);
      const { code, output } = await run(commands);
      assert.equal(code, 0, output);
      const missing = missingLine(output, prints);
      assert.equal(missing, undefined, `not printed: ${missing}\n${output}`);
    });
  }
  test('the guide has commands', () => assert.ok(steps.length > 0));
}
