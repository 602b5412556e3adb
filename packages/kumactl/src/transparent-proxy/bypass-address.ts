// Envoy reaches the application over IPv6 from an address of its own, ::6, which the loopback interface has to have. All of 127.0.0.0/8 is there
// by itself.
import { MeshError } from '@ursa/resources';
import type { Host } from './host.ts';

const address = '::6/128';
/** As /proc/net/if_inet6 writes it. */
const written = `${'6'.padStart(32, '0')} `;
const table = '/proc/net/if_inet6';

/** Whether the host has IPv6 at all; addresses may come later, so that the loopback's own is enough. */
export function hasIpv6(host: Host): boolean {
  return (host.read(table) ?? '').trim() !== '';
}

/** Adds the address, unless it is there. */
export function addBypassAddress(host: Host): void {
  if (hasBypassAddress(host)) return;
  const ip = host.find('ip');
  const result = ip === undefined ? undefined : host.run(ip, ['-6', 'address', 'add', address, 'dev', host.loopback()]);
  if (result?.status === 0) return;
  const reason = result === undefined ? 'the program "ip" (package iproute2) is missing' : result.stderr.trim();
  throw new MeshError(
    'unavailable',
    `cannot add the address ${address}, from which Envoy reaches applications over IPv6: ${reason}; without it, redirect IPv4 alone (--ip-family-mode ipv4)`,
  );
}

/** Takes the address away. False when it was not there. */
export function removeBypassAddress(host: Host): boolean {
  if (!hasBypassAddress(host)) return false;
  const ip = host.find('ip') ?? 'ip';
  const { status, stderr } = host.run(ip, ['-6', 'address', 'del', address, 'dev', host.loopback()]);
  if (status !== 0) throw new MeshError('unavailable', `cannot remove the address ${address}: ${stderr.trim()}`);
  return true;
}

/** Whether it is there. */
export function hasBypassAddress(host: Host): boolean {
  return (host.read(table) ?? '').split('\n').some((line) => line.startsWith(written));
}
