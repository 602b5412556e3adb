// The connections of one HTTP port: which are being answered and whose clients have proven themselves by a certificate. Kept here, because not every
// runtime's HTTP server knows the connections that were handed to it.
import type { Server } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connectionKey } from '../connection-limit.ts';

/** What keeps count of them. */
export interface Connections {
  /**
   * Closes those whose client has proven itself: when other authorities count, it has to do so anew, and TLS asks once for each connection. What is being
   * answered may take `graceMilliseconds`.
   */
  closeProven(graceMilliseconds: number): void;
  /** Closes those that idle, and the others after their answer. */
  closeIdle(): void;
  closeAll(): void;
}

/** `port` takes connections for `server`, and may be the same. */
export function watchConnections(server: Server, port: NetServer): Connections {
  const sockets = new Map<string, Socket>();
  const proven = new Set<string>();
  const busy = new Map<string, number>();
  const ending = new Set<string>();
  const enter = (socket: Socket): string => {
    const key = connectionKey(socket);
    sockets.set(key, socket);
    socket.once('close', () => {
      for (const each of [sockets, proven, ending]) each.delete(key);
    });
    return key;
  };
  port.on('connection', enter);
  port.on('secureConnection', (socket: TLSSocket) => {
    const key = enter(socket);
    if (socket.authorized) proven.add(key);
  });
  server.on('request', ({ socket }, response) => {
    const key = connectionKey(socket);
    busy.set(key, (busy.get(key) ?? 0) + 1);
    response.once('close', () => {
      const left = (busy.get(key) ?? 1) - 1;
      if (left > 0) busy.set(key, left);
      else busy.delete(key);
      if (ending.has(key)) sockets.get(key)?.destroySoon();
    });
  });
  const end = (keys: readonly string[]): void => {
    for (const key of keys) {
      ending.add(key);
      if (!busy.has(key)) sockets.get(key)?.destroy();
    }
  };
  return {
    closeProven(graceMilliseconds) {
      const before = [...proven].map((key) => sockets.get(key));
      end([...proven]);
      setTimeout(() => {
        for (const socket of before) socket?.destroy();
      }, graceMilliseconds).unref();
    },
    closeIdle: () => end([...sockets.keys()]),
    closeAll() {
      for (const socket of sockets.values()) socket.destroy();
    },
  };
}
