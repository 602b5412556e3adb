// Finds the control plane of this host by the socket in its work directory, which only its own user (and root) may open.
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, MeshError } from '@ursa/resources';
import type { Log } from '../log.ts';
import type { Membership } from './membership.ts';

/** Who wants to become part of which mesh. */
export type LocalWish = Pick<Membership, 'mesh' | 'service' | 'name'>;

/** Where the unit of deploy/systemd keeps it. */
const systemFolder = '/var/lib/kuma-cp';
const pause = 500;
const timeout = 5000;
const later = /ENOENT|ECONNREFUSED|ECONNRESET/;

/** Sockets of control planes that this user may have, the likeliest first. */
export function localSockets(environment: NodeJS.ProcessEnv): readonly string[] {
  const { KUMA_GENERAL_WORK_DIR: workDir = '', HOME: home = '' } = environment;
  const folders = workDir === '' ? [join(home === '' ? homedir() : home, '.kuma'), systemFolder] : [workDir];
  return folders.map((folder) => join(folder, 'local', 'kuma-cp.sock'));
}

/** Asks until one answers, for so many milliseconds: the control plane may be starting too. Rejects when it is aborted. */
export async function joinLocal(
  sockets: readonly string[],
  wish: LocalWish,
  patience: number,
  log: Log,
  signal: AbortSignal,
): Promise<Membership> {
  const deadline = performance.now() + patience;
  let said = false;
  for (;;) {
    const reasons: string[] = [];
    for (const socket of sockets) {
      const answer = await ask(socket, wish);
      if (typeof answer !== 'string') return answer;
      reasons.push(answer);
    }
    const message =
      `no control plane of this user was found on this host (${reasons.join('; ')}): start one ("kuma-cp run"), ` +
      'or name one with --cp-address, or join one on another host: "kumactl generate join-code" there, "kuma-dp join <code>" here';
    if (performance.now() >= deadline) throw new MeshError('unavailable', message);
    if (!said) log.warn(message, { tryingAgainFor: formatDuration(patience) });
    said = true;
    await sleep(pause, undefined, { signal });
  }
}

/** The membership; or why it can be tried again. Throws when it cannot. */
function ask(socketPath: string, wish: LocalWish): Promise<Membership | string> {
  const body = JSON.stringify(wish);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method: 'POST',
        path: '/join',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        timeout,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const { statusCode = 0 } = response;
          if (statusCode === 200) {
            const { url, ...rest } = JSON.parse(text) as Omit<Membership, 'controlPlaneUrl'> & { readonly url: string };
            resolve({ ...rest, controlPlaneUrl: url });
          } else if (statusCode === 503) resolve(text.trim());
          else reject(new MeshError('invalid', `the control plane of this host refuses this proxy: ${text.trim()}`));
        });
        response.on('error', (error) => resolve(error.message));
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const { code = '' } = error;
      if (code === 'EACCES') resolve(`${socketPath} is of another user`);
      else if (later.test(code)) resolve(`nobody answers at ${socketPath}`);
      else resolve(`${socketPath}: ${error.message}`);
    });
    outgoing.end(body);
  });
}
