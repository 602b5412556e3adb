// The sockets of the DNS server: UDP and TCP on one port of each address, with bounds on what one asker may hold.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { MeshError } from '@ursa/resources';
import type { Transport } from './answer-query.ts';

/** A server that listens. */
export interface DnsServer {
  readonly port: number;
  /** Where it listens. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Where it listens and who answers. */
export interface DnsServerOptions {
  readonly addresses: readonly string[];
  /** 0 for any free one. */
  readonly port: number;
  readonly answer: (bytes: Buffer, transport: Transport) => Promise<Buffer | undefined>;
  /** Whether who asks from this address is answered at all. */
  readonly serves: (address: string | undefined) => boolean;
}

const mostConnections = 128;
const mostWaiting = 16;
const idleMilliseconds = 10_000;
const lengthBytes = 2;
// What the system says of an address of a family that this host does not have, or has switched off.
const missingFamily: readonly (string | undefined)[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/** Listens; an IPv6 address is passed over on a host without IPv6. Throws `MeshError('conflict')` when the port is taken. */
export async function openDnsServer({ addresses, port, answer, serves }: DnsServerOptions): Promise<DnsServer> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((end) => end())));
  const listening: string[] = [];
  let used = port;
  try {
    for (const address of addresses) {
      const datagrams = await bindDatagrams(address, used, { answer, serves }).catch((cause) => {
        if (address.includes(':') && missingFamily.includes(cause.code)) return undefined;
        throw cause;
      });
      if (datagrams === undefined) continue;
      listening.push(address);
      opened.push(() => new Promise((resolve) => datagrams.close(() => resolve())));
      used = datagrams.address().port;
      const stream = await listenForStreams(address, used, { answer, serves });
      opened.push(stream.close);
    }
  } catch (cause) {
    await close();
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'is used by another process' : `cannot be used: ${message}`;
    throw new MeshError(
      'conflict',
      `--dns-proxy-port: port ${used} for DNS ${reason}; give another one, where traffic is redirected install the redirection with the same --redirect-dns-port, or turn DNS off with --dns-enabled=false`,
      { cause },
    );
  }
  return { port: used, addresses: listening, close };
}

type Service = Pick<DnsServerOptions, 'answer' | 'serves'>;

function bindDatagrams(address: string, port: number, { answer, serves }: Service): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
    const refuse = (cause: Error): void => {
      socket.close();
      reject(cause);
    };
    socket.once('error', refuse);
    socket.bind(port, address, () => {
      socket.removeListener('error', refuse);
      // An asker that is gone must not end the process.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.on('message', async (bytes, asker) => {
      if (!serves(asker.address)) return;
      const answered = await answer(bytes, 'udp');
      if (answered === undefined) return;
      try {
        socket.send(answered, asker.port, asker.address, () => undefined);
      } catch {
        // The server was closed while this was being answered.
      }
    });
  });
}

function listenForStreams(
  address: string,
  port: number,
  { answer, serves }: Service,
): Promise<{ readonly server: Server; close(): Promise<void> }> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    if (!serves(socket.remoteAddress)) return void socket.destroy();
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveStream(socket, answer);
  });
  server.maxConnections = mostConnections;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of connections) socket.destroy();
    });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address, ipv6Only: address.includes(':') }, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve({ server, close });
    });
  });
}

/** Messages one after another, each behind its length (RFC 1035 section 4.2.2). */
function serveStream(socket: Socket, answer: DnsServerOptions['answer']): void {
  let pending: Buffer = Buffer.alloc(0);
  let waiting = 0;
  socket.setTimeout(idleMilliseconds, () => socket.destroy());
  socket.on('error', () => undefined);
  const take = (): void => {
    while (waiting < mostWaiting && pending.length >= lengthBytes) {
      const end = lengthBytes + pending.readUInt16BE(0);
      if (pending.length < end) break;
      const message = pending.subarray(lengthBytes, end);
      pending = pending.subarray(end);
      waiting += 1;
      void answer(Buffer.from(message), 'tcp').then((answered) => {
        waiting -= 1;
        if (answered === undefined) return void socket.destroy();
        const length = Buffer.alloc(lengthBytes);
        length.writeUInt16BE(answered.length);
        socket.write(Buffer.concat([length, answered]));
        take();
      });
    }
    // Who sends more than is answered waits.
    if (waiting >= mostWaiting) socket.pause();
    else socket.resume();
  };
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    take();
  });
}
