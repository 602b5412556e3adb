// Asks the Envoy of a connected proxy through its admin listener: over mutual TLS, as `kuma-cp`, and only where the certificate shown is the one
// that was issued to that very proxy. Several proxies of a host may share the port of the listener (SO_REUSEPORT), and the kernel picks one of them.
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { Collection } from '@ursa/collections';
import { type AdminIdentity, type ConnectedProxy, type ProxyId, proxyKeyOf } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import { adminAddressOf, adminAuthoritySecret, readAdminAuthority } from './admin-identities.ts';
import { openIssuer } from './authorities/authority.ts';
import { issueLeaf } from './certificates/certificate.ts';
import { generateKeys } from './certificates/key-pair.ts';
import type { Clock } from './clock.ts';

/** Which proxy. */
export type AdminTarget = ProxyId;

/** Asks Envoys. */
export interface EnvoyAdmin {
  /**
   * The text at a path of the proxy's admin interface. Errors: `MeshError('unavailable')` that says which proxy, at which address, and why: not
   * connected, not reachable, no answer in time, an answer that is too large, a status other than 200.
   */
  ask(target: AdminTarget, path: string): Promise<string>;
}

export interface EnvoyAdminInputs {
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly proxies: Collection<ConnectedProxy>;
  readonly adminIdentities: Collection<AdminIdentity>;
  /** Longest wait for a whole answer, milliseconds; default 10 s. */
  readonly patience?: number;
  /** Bytes of the largest answer; default 32 MiB. */
  readonly largest?: number;
}

// Two proxies that share a port are told apart after a handful of connections; sixty-four find one of a dozen but in one case of 250.
// Who shares the port may belong to another control plane: a certificate of an authority that is not ours is no reason to give up.
const mostAttempts = 64;
/** Milliseconds. */
const pauseAfterFailure = 20;
// With the largest answers: 256 MiB. More would be a way to take the memory of all.
const mostAtOnce = 8;
const certificateLifetime = 10 * 60 * 1000;

/** Where one proxy is asked. */
interface Door {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly identity: AdminIdentity;
}

/** Opens nothing yet: every question has a connection of its own. */
export function createEnvoyAdmin(inputs: EnvoyAdminInputs): EnvoyAdmin {
  const { patience = 10_000, largest = 32 * 1024 * 1024 } = inputs;
  let asking = 0;
  return {
    async ask(target, path) {
      const door = findDoor(inputs, target);
      if (asking >= mostAtOnce)
        throw new MeshError('unavailable', `${mostAtOnce} proxies are being asked already: try again in a moment`);
      asking += 1;
      const ending = new AbortController();
      const timer = setTimeout(() => ending.abort(), patience);
      try {
        const socket = await openDoor(door, await issueClient(inputs), ending.signal);
        return await exchange(socket, path, largest, ending.signal);
      } catch (cause) {
        const reason = ending.signal.aborted ? `no whole answer within ${patience / 1000} s` : reasonOf(cause);
        throw new MeshError(
          'unavailable',
          `${door.label}: its admin listener at ${door.host}:${door.port}: ${reason}`,
          {
            cause,
          },
        );
      } finally {
        clearTimeout(timer);
        asking -= 1;
      }
    },
  };
}

function findDoor({ live, proxies, adminIdentities }: EnvoyAdminInputs, target: AdminTarget): Door {
  const key = proxyKeyOf(target);
  const label = `the proxy ${JSON.stringify(target.name)}`;
  const proxy = proxies.get(key);
  if (proxy === undefined) {
    throw new MeshError(
      'unavailable',
      `${label} is not connected to this control plane: start its kuma-dp, or look at kumactl inspect dataplanes`,
    );
  }
  const { host, port } = adminAddressOf(live, proxy);
  if (port === 0) {
    throw new MeshError(
      'unavailable',
      `${label} has no admin port: set networking.admin.port of its resource, or bootstrapServer.params.adminPort`,
    );
  }
  const identity = adminIdentities.get(key);
  if (identity === undefined)
    throw new MeshError('unavailable', `${label} has no certificate for its admin listener yet: try again in a moment`);
  return { label, host, port, identity };
}

/** The control plane's own end: made for one question, so there is nothing to renew or to keep. */
async function issueClient({ live, clock }: EnvoyAdminInputs): Promise<{ cert: string; key: string }> {
  const authority = readAdminAuthority(live.get({ type: 'GlobalSecret', mesh: '', name: adminAuthoritySecret }));
  if (authority === undefined) throw new Error(`the GlobalSecret ${adminAuthoritySecret} holds no authority`);
  const keys = await generateKeys({ kind: 'p256' });
  const now = clock.now();
  const cert = await issueLeaf(
    {
      names: { dnsNames: ['kuma-cp'] },
      usages: ['clientAuth'],
      publicKey: keys.publicKey,
      validity: { notBefore: now - certificateLifetime, notAfter: now + certificateLifetime },
    },
    openIssuer(authority),
  );
  return { cert, key: keys.privateKey };
}

/** Connects until the proxy that is meant picks up. */
async function openDoor(
  door: Door,
  credentials: { readonly cert: string; readonly key: string },
  signal: AbortSignal,
): Promise<TLSSocket> {
  const expected = derOf(door.identity.certificateChain);
  let failure: unknown;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    try {
      const socket = await connectOnce(door, credentials, signal);
      if (expected.equals(socket.getPeerCertificate().raw ?? Buffer.alloc(0))) return socket;
      socket.destroy();
      failure = undefined;
    } catch (cause) {
      if (signal.aborted || unreachable(cause) !== undefined) throw cause;
      // Another Envoy of the host that starts, and has no certificate yet, hangs up.
      failure = cause;
      await sleep(pauseAfterFailure);
    }
  }
  throw (
    failure ??
    new Error(
      'another proxy or program answers there: give each proxy of the host a port of its own (networking.admin.port of its resource)',
    )
  );
}

function connectOnce(
  { host, port }: Door,
  credentials: { readonly cert: string; readonly key: string },
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // Not by authority and name: the certificate itself is compared, which says more. Nothing is sent before that.
    const socket = connect({ host, port, ...credentials, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
    const abort = (): void => void socket.destroy(new Error('no connection in time'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', reject);
    if (signal.aborted) abort();
  });
}

function exchange(socket: TLSSocket, path: string, largest: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    // `reject` of a promise that is settled does nothing: the socket may be destroyed at the end.
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed before the answer was whole')));
    const call = request({
      path,
      headers: { host: 'localhost', connection: 'close' },
      createConnection: () => socket,
      signal,
    });
    call.on('error', reject);
    call.on('response', (response) => {
      collect(response, largest)
        .then(resolve, reject)
        .finally(() => socket.destroy());
    });
    call.end();
  });
}

async function collect(response: IncomingMessage, largest: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new Error(`the answer is larger than ${largest} bytes`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`it answers with status ${response.statusCode}`);
  return Buffer.concat(chunks).toString('utf8');
}

function derOf(chain: string): Buffer {
  const first = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(chain)?.[1] ?? '';
  return Buffer.from(first, 'base64');
}

function reasonOf(cause: unknown): string {
  return unreachable(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}

/** Why nobody can answer at the address; undefined when somebody does. */
function unreachable(cause: unknown): string | undefined {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'there is no route to it from the control plane';
  return undefined;
}
