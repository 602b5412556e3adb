// Calls between the instances of a control plane: JSON over HTTPS, where both ends prove by the stored authority `inter-cp-ca` that they are instances.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import { type AddressInfo, createServer as createPlaceholder, type Server as PlainServer } from 'node:net';
import { MeshError } from '@ursa/resources';
import type { Component } from '../component.ts';
import { readAdminAuthority } from '../identity/admin-identities.ts';
import { openIssuer } from '../identity/authorities/authority.ts';
import { issueLeaf } from '../identity/certificates/certificate.ts';
import { generateKeys } from '../identity/certificates/key-pair.ts';
import type { Clock } from '../identity/clock.ts';
import { instancesAuthoritySecret } from '../identity/identity-secrets.ts';
import type { Logger } from '../log.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { KnownInstance } from './instances.ts';
import { bodyOf } from './read-body.ts';

/** Answers one kind of call. What it throws reaches the caller as a `MeshError`. */
export type CallHandler = (question: unknown) => Promise<unknown>;

/** Calls to the other instances, and from them. */
export interface InstanceCalls {
  /** Answers calls of a name. */
  answer(name: string, handler: CallHandler): void;
  /** Errors: `MeshError('unavailable')` that names the instance when it does not answer in time, or what the other side has thrown. */
  ask(instance: KnownInstance, name: string, question: unknown, patience?: number): Promise<unknown>;
}

/** Calls as a part that takes them. */
export interface ServedCalls extends InstanceCalls, Component {
  /** 0 before it has started. */
  readonly port: number;
}

/** What calls are made with. */
export interface InstanceCallsOptions {
  readonly id: string;
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly port: number;
  /** TLS versions and ciphers. */
  readonly limits: object;
  readonly log: Logger;
}

/** Nobody calls an instance that is alone, and it calls nobody. */
export const noCalls: InstanceCalls = {
  answer: () => undefined,
  ask: async () => {
    throw new MeshError('unavailable', 'there are no other instances');
  },
};

const usualPatience = 2_000;
const largestBody = 32 * 1024 * 1024;
const certificateLifetime = 10 * 365 * 24 * 3600 * 1000;
const clockSkew = 3600 * 1000;

interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Opens the calls. They work as soon as the authority is stored, which the first leader sees to. */
export function openInstanceCalls(options: InstanceCallsOptions): ServedCalls {
  const { id, live, clock, log } = options;
  const handlers = new Map<string, CallHandler>();
  let agent: Agent | undefined;
  let watch: { stop(): void } | undefined;
  let port = 0;

  // Nobody can be answered before there is a certificate; the port is held meanwhile.
  let server: Server | PlainServer = createPlaceholder((socket) => socket.destroy());

  const handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    const finish = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? null));
    };
    const handler = handlers.get((incoming.url ?? '').slice(1));
    if (incoming.method !== 'POST' || handler === undefined) {
      finish(404, { code: 'unsupported', message: 'this instance does not know the call: it has another version' });
      return;
    }
    bodyOf(incoming, largestBody)
      .then((body) => handler(JSON.parse(body)))
      .then((answer) => finish(200, answer))
      .catch((error: unknown) => {
        if (!(error instanceof MeshError))
          log.error('a call of another instance failed', { call: incoming.url, error });
        const known = error instanceof MeshError ? error : new MeshError('internal', 'its log says why');
        finish(500, { code: known.code, message: known.message });
      });
  };

  /** A new server in the place of the one before: the single-file executable's runtime cannot give a running one another certificate. */
  const serve = async (credentials: Credentials): Promise<void> => {
    await close(server);
    const next = createServer(
      { ...options.limits, ...credentials, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
      handle,
    );
    next.on('tlsClientError', (_error, socket) => socket.destroy());
    server = next;
    await listen(next, port);
  };

  const authority = live.graph.derive('instances-authority', () =>
    readAdminAuthority(live.resources('GlobalSecret').get(keyInType({ mesh: '', name: instancesAuthoritySecret }))),
  );
  const equip = async (pair: ReturnType<typeof authority.get>): Promise<void> => {
    if (pair === undefined) return;
    const keys = await generateKeys({ kind: 'p256' });
    const now = clock.now();
    const cert = await issueLeaf(
      {
        names: { dnsNames: [id.toLowerCase()] },
        usages: ['serverAuth', 'clientAuth'],
        publicKey: keys.publicKey,
        validity: { notBefore: now - clockSkew, notAfter: now + certificateLifetime },
      },
      openIssuer(pair),
    );
    const credentials: Credentials = { ca: pair.certificate, cert, key: keys.privateKey };
    await serve(credentials);
    agent?.destroy();
    agent = new Agent({ ...credentials, keepAlive: true, maxSockets: 16, minVersion: 'TLSv1.2' });
  };
  let equipping: Promise<void> = Promise.resolve();
  const equipped = (pair: ReturnType<typeof authority.get>): void => {
    equipping = equipping
      .then(() => equip(pair))
      .catch((error: unknown) => log.error('the certificate for calls between instances could not be made', { error }));
  };

  const ask = (instance: KnownInstance, name: string, question: unknown, patience = usualPatience): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (reason: string): void =>
        reject(
          new MeshError('unavailable', `the instance ${instance.id} (${instance.address}:${instance.port}) ${reason}`),
        );
      if (agent === undefined || instance.port === 0) {
        fail('cannot be asked yet');
        return;
      }
      const body = JSON.stringify(question);
      const call = request(
        {
          ...{ host: instance.address, port: instance.port, agent, method: 'POST', path: `/${name}` },
          servername: instance.id.toLowerCase(),
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          signal: AbortSignal.timeout(patience),
        },
        (response) => {
          bodyOf(response, largestBody)
            .then((text) => {
              const answer: unknown = JSON.parse(text);
              if (response.statusCode === 200) resolve(answer);
              else reject(errorOf(answer, instance));
            })
            .catch((error: unknown) => fail(reasonOf(error, patience)));
        },
      );
      call.on('error', (error) => fail(reasonOf(error, patience)));
      call.end(body);
    });

  return {
    name: 'instance-calls',
    get port() {
      return port;
    },
    answer: (name, handler) => void handlers.set(name, handler),
    ask,
    async start() {
      await listen(server, options.port);
      port = (server.address() as AddressInfo).port;
      const started = live.graph.watch(authority, [], equipped);
      watch = started;
      equipped(started.value);
      await equipping;
    },
    async stop() {
      watch?.stop();
      await equipping;
      agent?.destroy();
      await close(server);
    },
  };
}

function close(server: Server | PlainServer): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if ('closeAllConnections' in server) server.closeAllConnections();
  return closed;
}

function listen(server: Server | PlainServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const setting = 'interCp.server.port (KUMA_INTER_CP_SERVER_PORT)';
      const message = `cannot take calls of other instances on port ${port}: ${cause.message}; choose another ${setting}, 0 for any that is free`;
      reject(new MeshError('unavailable', message, { cause }));
    });
    server.listen(port, () => {
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function errorOf(answer: unknown, instance: KnownInstance): MeshError {
  const { code, message } = (answer ?? {}) as { readonly code?: MeshError['code']; readonly message?: string };
  return code === undefined || code === 'internal' || message === undefined
    ? new MeshError('unavailable', `the instance ${instance.id} failed: its log says why`)
    : new MeshError(code, message);
}

function reasonOf(error: unknown, patience: number): string {
  const { name = '', message = '' } = error as Partial<Error>;
  if (name === 'AbortError' || name === 'TimeoutError') return `did not answer within ${patience / 1000} s`;
  return `did not answer: ${message}`;
}
