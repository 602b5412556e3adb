// Where other machines reach this one, when no setting says it, and where none does.
import { networkInterfaces } from 'node:os';

/** The first address that is no loopback or link-local one, IPv4 before IPv6; 127.0.0.1 when there is none. */
export function ownAddress(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): string {
  const outer = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:') && !address.startsWith('169.254.'));
  return (outer.find(({ family }) => family === 'IPv4') ?? outer[0])?.address ?? '127.0.0.1';
}

/** Whether an address leads to nowhere but the machine that asks. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || ['::1', '::', '0.0.0.0'].includes(address);
}
