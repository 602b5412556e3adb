// A port that several processes listen on at once (SO_REUSEPORT): the kernel gives each new connection to one of them. The connections are accepted
// here and handed to the HTTP server, because not every runtime lets an HTTP server share its port itself.
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** What listens before an HTTP server; with `tls` connections are secured first. */
export function openSharedPort(server: HttpServer, tls: TlsOptions | undefined): Server {
  return openFront((socket) => void server.emit('connection', socket), tls);
}

function openFront(accept: (socket: unknown) => void, tls: TlsOptions | undefined): Server {
  if (tls === undefined) return createServer(accept);
  const front = createTlsServer({ ...tls, ALPNProtocols: ['http/1.1'] }, accept);
  front.on('tlsClientError', (_error, socket) => socket.destroy());
  return front;
}
