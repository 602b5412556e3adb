// How many connections a port holds that have not earned their place: beyond that, one that has idled for long gives way to a new one, so
// that whoever comes with a request is served while somebody else opens connections and sits on them.
import type { Socket } from 'node:net';

/** What a connection's client is still sending. */
export interface Incoming {
  /** False while a part of it is missing. */
  readonly complete: boolean;
}

/** The connections of one port. */
export interface ConnectionLimit {
  /** Counts a connection until it closes; it is destroyed when there is no room. */
  enter(socket: Socket): void;
  /** The connection's client has asked for something, which is being answered. */
  works(socket: Socket, incoming: Incoming): void;
  /** The answer is over. */
  rests(socket: Socket): void;
  /** The connection is no longer counted. */
  leave(socket: Socket): void;
  /** Connections counted now. */
  size(): number;
}

interface Entry {
  readonly socket: Socket;
  /** Milliseconds: since when it idles. */
  readonly since: number;
  readonly incoming: Incoming | undefined;
}

/** A half of the places. */
interface Half {
  /** Whoever has idled for as many milliseconds gives way. */
  readonly patience: number;
  /** Oldest first. */
  readonly entries: Map<string, Entry>;
}

// A new connection has so long before it must give way: a handshake, and a first request, take a moment.
const shortPatience = 1_000;
// On half of the places. When so many come at once that no client gets through in a second, all would push each other out, for ever (decision 0311).
const longPatience = 10_000;

/** Room for `most()` connections; asked whenever one comes. */
export function openConnectionLimit(most: () => number, now: () => number = () => performance.now()): ConnectionLimit {
  const patient: Half = { patience: longPatience, entries: new Map() };
  const hurried: Half = { patience: shortPatience, entries: new Map() };
  const followed = new WeakSet<Socket>();

  const size = (): number => patient.entries.size + hurried.entries.size;
  const set = (socket: Socket, incoming: Incoming | undefined): void => {
    const key = connectionKey(socket);
    for (const { entries } of [patient, hurried])
      if (entries.delete(key)) entries.set(key, { socket, since: now(), incoming });
  };
  /** Ends the connection that waits for its client longest, if it has done so for a while. */
  const makeRoom = ({ patience, entries }: Half): boolean => {
    for (const [key, { socket, since, incoming }] of entries) {
      if (now() - since < patience) return false;
      if (incoming?.complete === true) continue;
      entries.delete(key);
      socket.destroy();
      return true;
    }
    return false;
  };

  return {
    enter(socket) {
      const places = most();
      while (size() >= places) {
        if (makeRoom(hurried) || makeRoom(patient)) continue;
        socket.destroy();
        return;
      }
      const key = connectionKey(socket);
      const { entries } = patient.entries.size < places / 2 ? patient : hurried;
      entries.set(key, { socket, since: now(), incoming: undefined });
      if (followed.has(socket)) return;
      followed.add(socket);
      socket.once('close', () => {
        for (const half of [patient, hurried]) if (half.entries.get(key)?.socket === socket) half.entries.delete(key);
      });
    },
    works: set,
    rests: (socket) => set(socket, undefined),
    leave(socket) {
      const key = connectionKey(socket);
      patient.entries.delete(key);
      hurried.entries.delete(key);
    },
    size,
  };
}

const keys = new WeakMap<object, string>();

/** TLS and HTTP/2 wrap sockets into others; the client's address stays the same. A socket that is about to close does not know its own port any more. */
export function connectionKey(socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>): string {
  const known = keys.get(socket);
  if (known !== undefined) return known;
  const { remoteAddress, remotePort, localPort } = socket;
  const key = `${remoteAddress} ${remotePort} ${localPort}`;
  keys.set(socket, key);
  return key;
}
