// A port that several processes listen on at once (SO_REUSEPORT): the kernel gives each new connection to one of them. The connections are accepted
// here and handed to the HTTP server, because not every runtime lets an HTTP server share its port itself.
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { connectionKey } from '../../connection-limit.ts';

/** What listens before an HTTP server. */
export interface SharedPort {
  readonly front: Server;
  /** Ends connections without a request, now and when theirs is answered: an HTTP server does not know those that it did not accept, in every runtime. */
  closeIdle(): void;
  closeAll(): void;
}

/** Opens it; with `tls` connections are secured first. */
export function openSharedPort(server: HttpServer, tls: TlsOptions | undefined): SharedPort {
  const sockets = new Map<string, Socket>();
  const busy = new Set<string>();
  let closing = false;
  const front = openFront((socket) => {
    const key = connectionKey(socket);
    sockets.set(key, socket);
    socket.once('close', () => void sockets.delete(key));
    server.emit('connection', socket);
  }, tls);
  server.on('request', (request, response) => {
    const key = connectionKey(request.socket);
    busy.add(key);
    response.once('close', () => {
      busy.delete(key);
      if (closing) sockets.get(key)?.end();
    });
  });
  // Node's HTTP server looks for slow clients from the moment it listens, which this one never does itself.
  front.once('listening', () => void server.emit('listening'));
  return {
    front,
    closeIdle() {
      closing = true;
      for (const [key, socket] of sockets) if (!busy.has(key)) socket.destroy();
    },
    closeAll() {
      for (const socket of sockets.values()) socket.destroy();
    },
  };
}

function openFront(accept: (socket: Socket) => void, tls: TlsOptions | undefined): Server {
  if (tls === undefined) return createServer(accept);
  const front = createTlsServer({ ...tls, ALPNProtocols: ['http/1.1'] }, accept);
  front.on('tlsClientError', (_error, socket) => socket.destroy());
  return front;
}
