// The real Envoy as a judge of configurations.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** What Envoy says against a bootstrap, which is written to the file; '' when it takes it. */
export function validateByEnvoy(envoy: string, file: string, bootstrap: object): Promise<string> {
  writeFileSync(file, JSON.stringify(bootstrap));
  return new Promise((resolve, reject) => {
    const child = spawn(envoy, ['--mode', 'validate', '-c', file, '--log-level', 'error', '--concurrency', '1']);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? '' : `exit ${code}: ${output}`));
  });
}
