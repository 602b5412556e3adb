// The address of this host at which others reach it. Asked of the kernel's routes; nothing is sent.
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** For documentation: an address that is on nobody's network, so that the way to the world leads there. */
const elsewhere = '192.0.2.1';

/**
 * The address towards the control plane; where that is on this very host, the one towards the world, or else the first there is. Of tests:
 * `route` and `interfaces`.
 */
export async function ownAddress(
  controlPlane: URL,
  route: (destination: string) => Promise<string> = addressTowards,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): Promise<string> {
  const host = controlPlane.hostname.replaceAll(/[[\]]/g, '');
  for (const destination of [host, elsewhere]) {
    const address = await route(destination);
    if (address !== '' && !isUnreachable(address)) return address;
  }
  const others = Object.values(interfaces).flatMap((list) => list ?? []);
  const reachable = others.filter(({ internal, address }) => !internal && !isUnreachable(address));
  return (reachable.find(({ family }) => family === 'IPv4') ?? reachable[0])?.address ?? '127.0.0.1';
}

function addressTowards(destination: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(destination) === 6 ? 'udp6' : 'udp4');
    const finish = (address: string): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => finish(''));
    socket.connect(9, destination, () => finish(socket.address().address));
  });
}

/** Of this host or its link alone, or none: without a route, some runtimes give the address of a socket that is not bound. */
function isUnreachable(address: string): boolean {
  return ['::1', '::', '0.0.0.0'].includes(address) || address.startsWith('127.') || address.startsWith('fe80:');
}
