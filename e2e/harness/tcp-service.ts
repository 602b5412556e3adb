// A service that speaks plain TCP: it says its name to whoever asks. And a client that does. Envoy decides on permissions at the first byte.
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { RunningService } from '../../examples/service.ts';
import type { Pair } from './tls-server.ts';

/** The service and what it has seen. */
export interface TcpService extends RunningService {
  /** Connections accepted so far. */
  accepted(): number;
}

/** Starts the service on a free port of the loopback; with a certificate, in TLS. */
export async function openTcpService(name: string, pair?: Pair): Promise<TcpService> {
  let accepted = 0;
  const open = new Set<Socket>();
  const serve = (socket: Socket): void => {
    accepted += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(`${name}\n`));
  };
  const server =
    pair === undefined ? createServer(serve) : createTlsServer({ cert: pair.certificate, key: pair.key }, serve);
  // Who does not believe the certificate goes away without a word.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    accepted: () => accepted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** What the other side answers; `closed` when it closes the connection without a word. */
export function nameAt(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('who?\n'));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      resolve(text.trim());
      socket.destroy();
    });
    socket.on('error', () => resolve('closed'));
    socket.on('close', () => resolve('closed'));
  });
}
