// How proxies on the control plane's own host find it: a socket in its work directory that only its own user may open (decision 0252).
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { MeshError, tagNames } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Tokens } from '../identity/access.ts';
import { tokenIdOf } from '../identity/joining/token-id.ts';
import { answering, readTexts } from './join-endpoint.ts';

/** What it works with. */
export interface LocalJoiningOptions {
  readonly workDir: string;
  readonly tokens: Pick<Tokens, 'issueDataplane'>;
  /** URL by which processes of this host reach the server for proxies, and the PEM that verifies it. */
  readonly reachable: () => { readonly url: string; readonly authority: string };
  readonly tokenValidForSeconds: number;
  readonly log: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
}

/** The kernel holds 108 bytes for the path of a Unix socket, the last of them 0 (unix(7)). */
const longestPath = 107;
const longestBody = 8192;

/** Path of the socket. kuma-dp knows it too. */
export function localSocketPath(workDir: string): string {
  return join(workDir, 'local', 'kuma-cp.sock');
}

/** The component. A control plane that cannot have its socket serves all the same, and says what is missing. */
export function openLocalJoining(options: LocalJoiningOptions): Component {
  const { workDir, log } = options;
  const path = localSocketPath(workDir);
  let server: Server | undefined;
  return {
    name: 'local-joining',
    async start() {
      try {
        if (Buffer.byteLength(path) > longestPath) throw new Error(`the path is longer than ${longestPath} characters`);
        if (await isServed(path)) throw new Error('another control plane serves it');
        server = await listen(path, options);
      } catch (cause) {
        const { message } = cause as Error;
        log.warn('proxies on this host do not find this control plane by themselves', {
          socket: path,
          reason: message,
        });
      }
    },
    async stop() {
      const open = server;
      server = undefined;
      if (open === undefined) return;
      open.closeAllConnections();
      await new Promise((resolve) => open.close(resolve));
    },
  };
}

async function listen(path: string, options: LocalJoiningOptions): Promise<Server> {
  // The folder keeps others out also between the making of the socket and its mode.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  await rm(path, { force: true });
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    const answer = routes[`${request.method} ${request.url}`]?.(request, options);
    if (answer === undefined) {
      request.resume();
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end(`there is only ${Object.keys(routes).join(' and ')} here\n`);
      return;
    }
    answer.then(
      ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
      (error: unknown) => {
        options.log.warn('a proxy of this host could not be let in', { error });
        response.writeHead(500, { 'content-type': 'text/plain' }).end('the log of the control plane says why\n');
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

const routes: Readonly<Record<string, typeof letIn>> = { 'POST /join': letIn, 'GET /authority': tellAuthority };

/** For proxies that have a token and a Dataplane, and only do not know by what this control plane is verified. */
function tellAuthority(request: IncomingMessage, { reachable }: LocalJoiningOptions) {
  request.resume();
  return answering(async () => reachable());
}

function letIn(request: IncomingMessage, { tokens, reachable, tokenValidForSeconds, log }: LocalJoiningOptions) {
  return answering(async () => {
    const { mesh, service, name } = readTexts(await readBody(request), ['mesh', 'service', 'name']);
    if (mesh === '' || service === '' || name === '')
      throw new MeshError('invalid', 'expected the texts mesh, service and name');
    const { url, authority } = reachable();
    const token = await tokens.issueDataplane({
      ...{ mesh, name, type: 'dataplane', tags: { [tagNames.service]: [service] } },
      validForSeconds: tokenValidForSeconds,
    });
    log.info('a proxy of this host was let in', { mesh, service, name, tokenId: tokenIdOf(token) });
    return { url, authority, mesh, service, name, token };
  });
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestBody) throw new MeshError('malformed', 'the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether somebody listens there; a control plane that was killed leaves a socket that nobody answers. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const finish = (served: boolean): void => {
      socket.destroy();
      resolve(served);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}
