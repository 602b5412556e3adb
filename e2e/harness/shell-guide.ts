// Runs a guide in one folder, block by block, with programs by their names: against a control plane of its own, on ports that the guide names.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from './guide.ts';
import { openWorld, programs } from './world.ts';

/** Declares a test for each block of the guide. What blocks leave running ends with the last of them. */
export async function testShellGuide(guide: string): Promise<void> {
  const world = await openWorld();
  const { controlPlane } = world;
  const folder = join(world.folder, 'guide');
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const write = (name: string, command: readonly string[]): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`, {
      mode: 0o755,
    });
  const configFile = join(folder, 'kumactl.json');
  write('kumactl', [...programs.kumactl, '--config-file', configFile]);
  write('kuma-dp', programs.dataPlane);
  write('node', [process.execPath]);
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'here', coordinates: { apiServer: { url: controlPlane.apiUrl } } }],
      contexts: [{ name: 'here', controlPlane: 'here' }],
      currentContext: 'here',
    }),
  );

  /** Leaders of the process groups of all blocks: what a block leaves running is in its group. */
  const groups: number[] = [];
  after(async () => {
    for (const group of groups) {
      try {
        process.kill(-group, 'SIGTERM');
      } catch {
        // Nothing of it is left.
      }
    }
    await world.close();
  });

  const run = (commands: string): Promise<{ readonly code: number | null; readonly output: string }> => {
    const child = spawn('bash', ['-c', `exec 2>&1; set -e\n${commands}`], {
      cwd: folder,
      detached: true,
      // What goes on in the background must not hold the output open.
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        PATH: `${bin}:${process.env.PATH}`,
        KUMA_CONTROL_PLANE_URL: controlPlane.dataPlaneUrl,
        KUMA_CONTROL_PLANE_CA_CERT_FILE: controlPlane.caCertFile,
      },
    });
    if (child.pid !== undefined) groups.push(child.pid);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    return new Promise((resolve) => child.once('exit', (code) => setTimeout(() => resolve({ code, output }), 50)));
  };

  const steps = readGuide(guide);
  assert.ok(steps.length > 0, `${guide} has commands`);
  for (const { line, commands, prints } of steps) {
    const here = commands.replaceAll('http://localhost:5681', controlPlane.apiUrl);
    test(`line ${line}: ${commands.split('\n')[0]}`, async () => {
      if (prints.length === 0) {
        const { code, output } = await run(here);
        return assert.equal(code, 0, output);
      }
      // What is shown is what is there in a moment.
      await waitFor(
        `it prints ${JSON.stringify(prints)}`,
        async () => {
          const { code, output } = await run(here);
          if (code !== 0 || missingLine(output, prints) !== undefined) throw new Error(output);
          return true;
        },
        { within: 60_000, every: 200 },
      ).catch((cause: unknown) => {
        throw new Error(logsIn(folder), { cause });
      });
    });
  }
}

/** The ends of what programs of the guide have logged. */
function logsIn(folder: string): string {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : [];
  return files.map((name) => `${name}: ${readFileSync(join(folder, name), 'utf8').slice(-3000)}`).join('\n');
}
