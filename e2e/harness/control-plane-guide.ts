// Guides that start and stop the control plane themselves: each block is run as it stands, in one folder, with programs by their names and ports that
// are free in place of the usual ones.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { missingLine, readGuide } from './guide.ts';
import { programs } from './world.ts';

const blockPatience = 90_000;

/** Registers a test for each block of the guide. */
export async function followControlPlaneGuide(guide: string): Promise<void> {
  const steps = readGuide(guide);
  if (steps.length < 4) throw new Error(`${guide} has ${steps.length} blocks of commands`);
  const folder = mkdtempSync(join(tmpdir(), 'ursa-guide-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const write = (name: string, command: readonly string[]): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`, {
      mode: 0o755,
    });
  write('kuma-cp', programs.controlPlane);
  write('kumactl', programs.kumactl);
  const [http, https, dpServer, diagnostics] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const environment = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    KUMA_API_SERVER_HTTP_PORT: String(http),
    KUMA_API_SERVER_HTTPS_PORT: String(https),
    KUMA_DP_SERVER_PORT: String(dpServer),
    KUMA_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
  };
  const adapt = (text: string): string =>
    text.replaceAll('localhost:5681', `localhost:${http}`).replaceAll('localhost:5680', `localhost:${diagnostics}`);
  /** Process groups of the blocks: what a block leaves running is in its group. */
  const groups: number[] = [];
  const signal = (group: number, name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-group, name);
    } catch {
      return false;
    }
  };
  after(() => {
    for (const group of groups) signal(group, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  function run(commands: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = spawn('bash', ['-c', `exec 2>&1; set -eo pipefail\n${adapt(commands)}`], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: environment,
    });
    const { pid } = child;
    if (pid !== undefined) groups.push(pid);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    return new Promise((resolve) => {
      const timer = setTimeout(() => pid !== undefined && signal(pid, 'SIGKILL'), blockPatience);
      // What goes on in the background holds the output open: the end of the shell is the end of the block.
      child.once('exit', (code) => {
        clearTimeout(timer);
        setTimeout(() => resolve({ code, output }), 50);
      });
    });
  }

  for (const { line, commands, prints } of steps) {
    test(`line ${line}: ${commands.split('\n')[0]}`, async () => {
      const { code, output } = await run(commands);
      const log = (): string => {
        try {
          return readFileSync(join(folder, 'kuma-cp.log'), 'utf8').slice(-3000);
        } catch {
          return '';
        }
      };
      if (code !== 0) throw new Error(`it ends with ${code}:\n${output}\n${log()}`);
      const missing = missingLine(output, prints);
      if (missing !== undefined) throw new Error(`it does not print "${missing}":\n${output}\n${log()}`);
    });
  }
}
