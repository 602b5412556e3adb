// Sends slow clients away: who does not come to the end of its headers, or of its body, in time, or does not take its answer. Timed here, a timer for
// each connection, because HTTP servers look for slow clients several times a second, also while there are none, and not every one sees connections that
// it has not accepted itself.
import type { IncomingMessage, Server } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { connectionKey } from '../connection-limit.ts';

/** How long clients may take, in milliseconds; 0: for ever. */
export interface SlowClientLimits {
  /** From the connection, or the end of its handshake, to the end of the headers. */
  readonly headers: number;
  /** From there to the end of the body. */
  readonly body: number;
  /** Without taking anything of an answer. */
  readonly answer: number;
  /** From an answer to the first byte of the next request; its headers may take as long as those of the first. */
  readonly idle: number;
}

interface Timed {
  readonly socket: Socket;
  /** Requests that are being answered. */
  busy: number;
  timer: NodeJS.Timeout | undefined;
}

// What arrived while this process was busy is read before anybody is sent away.
const lastLook = 50;
const tooSlow = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/** Times the connections that `port` takes for `server`, and may be the same; with `secured` from the end of their handshakes on. */
export function timeSlowClients(server: Server, port: NetServer, limits: SlowClientLimits, secured = false): void {
  const connections = new Map<string, Timed>();
  const expect = (timed: Timed, within: number, late: () => void): void => {
    clearTimeout(timed.timer);
    if (within === 0) return;
    const wait = (milliseconds: number, then: () => void): void => {
      timed.timer = setTimeout(then, milliseconds);
      timed.timer.unref();
    };
    wait(within, () => wait(lastLook, late));
  };
  const enter = (socket: Socket): void => {
    const key = connectionKey(socket);
    const timed: Timed = { socket, busy: 0, timer: undefined };
    connections.set(key, timed);
    socket.once('close', () => {
      clearTimeout(timed.timer);
      if (connections.get(key) === timed) connections.delete(key);
    });
    expect(timed, limits.headers, () => sendAway(timed));
  };
  port.on(secured ? 'secureConnection' : 'connection', enter);
  server.on('request', (request, response) => {
    const timed = connections.get(connectionKey(request.socket));
    if (timed === undefined) return;
    timed.busy += 1;
    clearTimeout(timed.timer);
    if (hasBody(request)) {
      expect(timed, limits.body, () => {
        if (request.complete) return;
        // Who has got a part of an answer would take this for the rest of it.
        if (response.headersSent) timed.socket.destroy();
        else sendAway(timed);
      });
      request.once('end', () => clearTimeout(timed.timer));
    }
    const taking = watchTaking(timed.socket, limits.answer);
    response.once('close', () => {
      clearInterval(taking);
      timed.busy -= 1;
      if (timed.busy > 0 || timed.socket.destroyed) return;
      expect(timed, limits.idle === 0 ? 0 : limits.idle + limits.headers, () => timed.socket.destroy());
    });
  });
}

/** Ends a connection on which something has waited for as long. Looked at, because sockets of Bun do not time out while anything waits (decision 0330). */
function watchTaking(socket: Socket, within: number): NodeJS.Timeout | undefined {
  if (within === 0) return undefined;
  let before = '';
  return setInterval(() => {
    const { bytesWritten, writableLength } = socket;
    const now = writableLength === 0 ? '' : `${bytesWritten} ${writableLength}`;
    if (now !== '' && now === before) socket.destroy();
    before = now;
  }, within).unref();
}

function sendAway({ socket }: Timed): void {
  socket.end(tooSlow, () => socket.destroy());
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? '0') > 0;
}
