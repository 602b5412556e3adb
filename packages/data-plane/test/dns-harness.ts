// A proxy's DNS with everything around it: Envoy's socket with the names of the mesh, a DNS server of the host, a resolver that asks.
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createStreamServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Answer, decode, encode, type Packet, streamEncode } from 'dns-packet';
import { freePort } from '../../../examples/demo/free-ports.ts';
import { openDns } from '../src/dns/open-dns.ts';
import { createLog } from '../src/log.ts';

/** A DNS server of the host: what it says can be changed. */
export interface UpstreamServer {
  readonly port: number;
  /** Names that were asked for, with the transport. */
  readonly asked: string[];
  /** What it answers; undefined answers nothing. */
  respond: (query: Packet, transport: 'udp' | 'tcp') => Buffer | undefined;
  close(): Promise<void>;
}

/** A plain answer to a query. */
export function answerTo(query: Packet, answers: readonly Answer[], more: Partial<Packet> = {}): Buffer {
  return encode({
    id: query.id ?? 0,
    type: 'response',
    questions: query.questions ?? [],
    answers: [...answers],
    ...more,
  });
}

/** An address record of a query's own name. */
export function addressOf(query: Packet, data: string, ttl = 60): Answer {
  return { name: query.questions?.[0]?.name ?? '', type: 'A', ttl, data };
}

/** Serves on a free port of the loopback, by UDP and TCP. */
export async function openUpstream(context: TestContext): Promise<UpstreamServer> {
  const connections = new Set<Socket>();
  const take = (bytes: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined => {
    const query = decode(bytes);
    server.asked.push(`${transport} ${query.questions?.[0]?.type} ${query.questions?.[0]?.name}`);
    return server.respond(query, transport);
  };
  const datagrams = createSocket('udp4');
  // One that is free by both transports: of the kernel's choice for one of them the other may be taken.
  const port = await freePort();
  await new Promise<void>((resolve) => datagrams.bind(port, '127.0.0.1', resolve));
  datagrams.on('message', (bytes, from) => {
    const answer = take(bytes, 'udp');
    if (answer !== undefined) datagrams.send(answer, from.port, from.address);
  });
  const streams = createStreamServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const answer = take(bytes.subarray(2), 'tcp');
      if (answer !== undefined) socket.write(streamEncode(decode(answer)));
    });
  });
  await new Promise<void>((resolve) => streams.listen(port, '127.0.0.1', resolve));
  let isOpen = true;
  const server: UpstreamServer = {
    port,
    asked: [],
    respond: (query) => answerTo(query, [addressOf(query, '192.0.2.1')]),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => datagrams.close(() => resolve())),
        new Promise((resolve) => streams.close(resolve)),
      ]);
    },
  };
  context.after(() => server.close());
  return server;
}

/** The DNS of a proxy under test. */
export interface ProxyDns {
  readonly port: number;
  readonly lines: string[];
  readonly upstream: UpstreamServer;
  readonly resolver: Resolver;
  /** How often Envoy was asked for the names. */
  asked(): number;
  /** Sets what Envoy serves: records by name, or undefined for no document. */
  setNames(records: Readonly<Record<string, readonly string[]>> | undefined): void;
  /** Envoy's socket goes away. */
  stopEnvoy(): Promise<void>;
  setServers(text: string): void;
}

/** Opens it. `refreshInterval`: milliseconds between two looks at the names. */
export async function openProxyDns(
  context: TestContext,
  { ipv6 = true, refreshInterval = 5, logsQuestions = false, asksLoopback = true } = {},
): Promise<ProxyDns> {
  const workDir = mkdtempSync(join(tmpdir(), 'ursa-dns-'));
  const resolvConf = join(workDir, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  const upstream = await openUpstream(context);
  let document: string | undefined;
  let asked = 0;
  const envoy = createServer((request, response) => {
    asked += 1;
    const tag = String(document?.length);
    if (document === undefined || request.url !== '/dns') response.writeHead(404).end();
    else if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
    else response.writeHead(200, { etag: tag }).end(document);
  });
  await new Promise<void>((resolve) => envoy.listen(join(workDir, 'kuma-mesh-metric-config.sock'), resolve));
  const lines: string[] = [];
  const dns = await openDns({
    ...{
      workDir,
      port: await freePort(),
      networks: [],
      ipv6,
      refreshInterval,
      resolvConf,
      asksLoopback,
      logsQuestions,
    },
    serverPort: upstream.port,
    log: createLog({ level: 'debug', format: 'text', write: (line) => lines.push(line) }),
  });
  const resolver = new Resolver({ timeout: 3000, tries: 1 });
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  const stopEnvoy = (): Promise<void> => new Promise((resolve) => envoy.close(() => resolve()));
  context.after(async () => {
    resolver.cancel();
    await dns.close();
    envoy.closeAllConnections();
    await stopEnvoy();
    rmSync(workDir, { recursive: true, force: true });
  });
  return {
    ...{ port: dns.port, lines, upstream, resolver, stopEnvoy },
    asked: () => asked,
    setNames(records) {
      const listed = records && Object.entries(records).map(([name, ips]) => ({ name, ips }));
      document = listed && JSON.stringify({ records: listed, ttl: 30, extraLabels: {} });
    },
    setServers: (text) => writeFileSync(resolvConf, text),
  };
}

/** Asks by UDP and gives the bytes of the answer. */
export async function askUdp(port: number, bytes: Buffer, address = '127.0.0.1'): Promise<Buffer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer')), 3000);
      socket.once('message', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.once('error', reject);
      socket.send(bytes, port, address);
    });
  } finally {
    socket.close();
  }
}

/** The port that a server of `node:net` got. */
export function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}
