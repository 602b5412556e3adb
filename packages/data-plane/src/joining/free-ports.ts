// Ports for several proxies on one host. Each is looked for from a place of its own on, so that proxies which start at the same moment do not meet.
import { createServer } from 'node:net';
import { MeshError } from '@ursa/resources';

/** Consecutive ports, below those from which kernels take the ports of outgoing connections. */
export interface PortRange {
  readonly first: number;
  readonly count: number;
}

/** Of inbounds: 8080 becomes 28080 on every host, so that all instances of a service have the same. */
export const inboundPorts: PortRange = { first: 20_000, count: 10_000 };
/** Of Envoy's admin listener, and of outbounds whose port nobody cares about. */
export const otherPorts: PortRange = { first: 30_000, count: 2_700 };

/** Finds ports; never the same twice. */
export interface PortFinder {
  /** The first free one in the range from `start` on, around its end. */
  find(range: PortRange, start: number, address: string): Promise<number>;
  /** Keeps a port that somebody chose from being found. */
  keep(port: number): void;
}

/** Opens one for one proxy. */
export function openPortFinder(): PortFinder {
  const taken = new Set<number>();
  return {
    keep: (port) => void taken.add(port),
    async find({ first, count }, start, address) {
      for (let step = 0; step < count; step += 1) {
        const port = first + ((start + step) % count);
        if (taken.has(port) || !(await isFree(port, address))) continue;
        taken.add(port);
        return port;
      }
      throw new MeshError('unavailable', `no port from ${first} to ${first + count - 1} is free on ${address}`);
    },
  };
}

/** A number of a text, always the same: where the search for a port begins. */
export function placeOf(text: string): number {
  let hash = 5381;
  for (const letter of text) hash = (Math.imul(hash, 33) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash;
}

/** Envoy shares its ports with whoever listens in the same way; this listens in another, and so finds out. */
function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRNOTAVAIL') return resolve(false);
      reject(new MeshError('invalid', `--address: ${host} is not an address of this host`, { cause: error }));
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
