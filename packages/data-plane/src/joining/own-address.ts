// The address of this host at which others reach it. Asked of the kernel's routes; nothing is sent.
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** For documentation: an address that is on nobody's network, so that the way to the world leads there. */
const elsewhere = '192.0.2.1';

/** The address towards the control plane; where that is on this very host, the one towards the world, or else the first there is. */
export async function ownAddress(controlPlane: URL): Promise<string> {
  const host = controlPlane.hostname.replaceAll(/[[\]]/g, '');
  for (const destination of [host, elsewhere]) {
    const address = await addressTowards(destination);
    if (address !== '' && !isLoopback(address)) return address;
  }
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return others.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
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

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('fe80:');
}
