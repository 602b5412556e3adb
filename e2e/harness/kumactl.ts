// Runs kumactl as a user does, against the control plane of a story.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programs } from './world.ts';

/** How a run of kumactl ended. */
export interface KumactlRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as they came. */
  readonly output: string;
}

/** Runs one command line against the control plane at the address, with a configuration of its own; `input` is its standard input. */
export function runKumactl(apiUrl: string, args: readonly string[], input = ''): Promise<KumactlRun> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-kumactl-'));
  const configFile = join(folder, 'config');
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'here', coordinates: { apiServer: { url: apiUrl } } }],
      contexts: [{ name: 'here', controlPlane: 'here' }],
      currentContext: 'here',
    }),
  );
  const [program = '', ...leading] = programs.kumactl;
  const child = spawn(program, [...leading, '--config-file', configFile, ...args], { stdio: 'pipe' });
  child.stdin.end(input);
  const texts = { stdout: '', stderr: '', output: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text;
      texts.output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ code, ...texts });
    });
  });
}
