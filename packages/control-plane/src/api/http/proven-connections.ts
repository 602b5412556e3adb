// Connections whose client has proven itself by a certificate. When other authorities count, these have to prove themselves anew: on a connection of its
// own, because TLS asks once.
import type { Server } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What keeps count of them. */
export interface ProvenConnections {
  /** Closes all: at once, or after the answer that is being given, but not later than `graceMilliseconds`. */
  close(graceMilliseconds: number): void;
}

/** `port` secures connections for `server`, and may be the same. */
export function watchProvenConnections(server: Server, port: NetServer): ProvenConnections {
  const proven = new Set<TLSSocket>();
  const busy = new Map<unknown, number>();
  const ending = new WeakSet<object>();
  port.on('secureConnection', (socket: TLSSocket) => {
    if (!socket.authorized) return;
    proven.add(socket);
    socket.once('close', () => proven.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (busy.get(socket) ?? 1) - 1;
      if (left > 0) busy.set(socket, left);
      else busy.delete(socket);
      if (ending.has(socket)) socket.destroySoon();
    });
  });
  return {
    close(graceMilliseconds) {
      const before = [...proven];
      for (const socket of before) {
        ending.add(socket);
        if (!busy.has(socket)) socket.destroy();
      }
      setTimeout(() => {
        for (const socket of before) socket.destroy();
      }, graceMilliseconds).unref();
    },
  };
}
