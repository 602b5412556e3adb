// A host of its own for a test: a shell in a fresh network namespace, with a user kuma-dp (UID 5678) and the real iptables. Needs root.
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../src/main.ts');

/** Why there are no namespaces on this machine; false when there are. */
export function namespacesMissing(): string | false {
  if (process.getuid?.() !== 0) return 'only root makes network namespaces';
  const programs = ['unshare', 'ip', 'iptables-nft', 'iptables-legacy'];
  const missing = programs.filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/** What a script printed. */
export interface ScriptResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a bash script there; it ends at the first command that fails, and has `kumactl` as a function. `folder` is an empty one for files that
 * stand in for the host's.
 */
export function runInNamespace(script: string, folder: string): ScriptResult {
  const users = join(folder, 'passwd');
  copyFileSync('/etc/passwd', users);
  appendFileSync(users, 'kuma-dp:x:5678:5678::/nonexistent:/usr/sbin/nologin\n');
  const prepared = [
    'set -e',
    // The mounts and addresses are the namespace's own, and go with it.
    `mount --bind '${users}' /etc/passwd`,
    'ip link set lo up',
    `kumactl() { '${process.execPath}' '${main}' "$@"; }`,
    script,
  ].join('\n');
  const result = spawnSync('unshare', ['--net', '--mount', '--propagation', 'private', 'bash', '-c', prepared], {
    encoding: 'utf8',
    env: { ...process.env, SSH_CONNECTION: '' },
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}
