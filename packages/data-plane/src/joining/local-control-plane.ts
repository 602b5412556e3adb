// Finds the control plane of this host by the socket in its work directory, which only its own user (and root) may open.
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, homeFolder, MeshError } from '@ursa/resources';
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
  const { KUMA_GENERAL_WORK_DIR: workDir = '' } = environment;
  const folders = workDir === '' ? [join(homeFolder(environment, homedir), '.kuma'), systemFolder] : [workDir];
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

/**
 * PEM that verifies the control plane of this host; undefined when none of this user's answers, or when the address is not its own: the socket is
 * as private as the file that it stands for (decision 0316).
 */
export async function localAuthority(sockets: readonly string[], address: URL): Promise<string | undefined> {
  if (address.protocol !== 'https:' || !loopback.includes(address.hostname)) return undefined;
  for (const socket of sockets) {
    const answer = await call(socket, 'GET', '/authority');
    if (typeof answer === 'string' || answer.status !== 200) continue;
    const { url, authority } = JSON.parse(answer.text) as { readonly url: string; readonly authority: string };
    if (new URL(url).port === address.port) return authority;
  }
  return undefined;
}

const loopback: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** The membership; or why it can be tried again. Throws when it cannot. */
async function ask(socketPath: string, wish: LocalWish): Promise<Membership | string> {
  const answer = await call(socketPath, 'POST', '/join', JSON.stringify(wish));
  if (typeof answer === 'string') return answer;
  const { status, text } = answer;
  if (status === 503) return text.trim();
  if (status !== 200)
    throw new MeshError('invalid', `the control plane of this host refuses this proxy: ${text.trim()}`);
  const { url, ...rest } = JSON.parse(text) as Omit<Membership, 'controlPlaneUrl'> & { readonly url: string };
  return { ...rest, controlPlaneUrl: url };
}

/** The answer; or why there was none. */
function call(
  socketPath: string,
  method: string,
  path: string,
  body = '',
): Promise<{ readonly status: number; readonly text: string } | string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ socketPath, method, path, headers, timeout }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', (error) => resolve(error.message));
    });
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
