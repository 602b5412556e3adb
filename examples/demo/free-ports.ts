// Ports that nobody listens on. The usual one is taken when it is free, so that what is printed looks familiar.
import { createServer } from 'node:net';

/** Below the range from which kernels take ports for outgoing connections, so that a port found free stays free. */
const range = { first: 20_000, count: 12_000 };
const handedOut = new Set<number>();

/** The preferred port if it is free, else a random free one; never the same twice in this process. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && !handedOut.has(preferred) && (await isFree(preferred))) return take(preferred);
  for (;;) {
    const candidate = range.first + Math.floor(Math.random() * range.count);
    if (!handedOut.has(candidate) && (await isFree(candidate))) return take(candidate);
  }
}

function take(port: number): number {
  handedOut.add(port);
  return port;
}

/** Whether the port is free on all addresses, as servers of the control plane take it. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
