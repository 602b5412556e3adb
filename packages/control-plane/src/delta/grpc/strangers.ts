// Connections on which nobody has proven who it is: only so many, and none for long. What a stranger sends a byte at a time, or not at all,
// costs one place of these; proxies that have proven themselves do not count.
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { connectionKey, openConnectionLimit } from '../../connection-limit.ts';

/** The strangers of one port. */
export interface Strangers {
  enter(socket: Socket): void;
  /** Takes the stream's connection out until the stream, and all others that were proven on it, have closed. */
  proven(stream: ServerHttp2Stream): void;
}

// A bootstrap or the introduction of a proxy, and what it may wait for the store, are over by then.
const introductionMilliseconds = 15_000;

/** Room for `most()` strangers, each of whom has `handshakeMilliseconds` for TLS and fifteen seconds more to say who it is. */
export function openStrangers(most: () => number, handshakeMilliseconds: number): Strangers {
  const longestStayMilliseconds = handshakeMilliseconds + introductionMilliseconds;
  const limit = openConnectionLimit(most);
  const connections = new Map<string, { readonly socket: Socket; proven: number; timer: NodeJS.Timeout | undefined }>();

  const stay = (key: string): void => {
    const connection = connections.get(key);
    if (connection === undefined) return;
    limit.enter(connection.socket);
    connection.timer = setTimeout(() => connection.socket.destroy(), longestStayMilliseconds).unref();
  };

  return {
    enter(socket) {
      const key = connectionKey(socket);
      connections.set(key, { socket, proven: 0, timer: undefined });
      stay(key);
      socket.once('close', () => {
        clearTimeout(connections.get(key)?.timer);
        connections.delete(key);
      });
    },
    proven(stream) {
      const { session } = stream;
      if (session === undefined || stream.destroyed) return;
      const key = connectionKey(session.socket);
      const connection = connections.get(key);
      if (connection === undefined) return;
      connection.proven += 1;
      clearTimeout(connection.timer);
      limit.leave(connection.socket);
      stream.once('close', () => {
        connection.proven -= 1;
        if (connection.proven === 0) stay(key);
      });
    },
  };
}
