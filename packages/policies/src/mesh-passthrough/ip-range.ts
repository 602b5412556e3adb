// Ranges of IP addresses as users write them (`10.1.2.3/8`), and the network they stand for (`10.0.0.0/8`).
import { isIpv4, isIpv6 } from '@ursa/resources';

/** The first address of a network, and how many bits all its addresses share. */
export interface Network {
  readonly address: string;
  readonly length: number;
}

/** True for an address and a prefix length, such as `10.0.0.0/8`. */
export function isIpRange(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return (isIpv4(address) && Number(length) <= 32) || (isIpv6(address) && Number(length) <= 128);
}

/** The network of a range; of a single address, the network that holds it alone. */
export function networkOf(text: string): Network {
  const [address = '', length] = text.split('/');
  const ipv6 = address.includes(':');
  const groups = ipv6 ? ipv6Groups(address) : address.split('.').map(Number);
  const bits = length === undefined ? (ipv6 ? 128 : 32) : Number(length);
  const masked = maskGroups(groups, ipv6 ? 16 : 8, bits);
  return { address: ipv6 ? formatIpv6(masked) : masked.join('.'), length: bits };
}

/** Clears every bit behind the first `kept`. */
function maskGroups(groups: readonly number[], width: number, kept: number): number[] {
  return groups.map((group, index) => {
    const bits = Math.min(Math.max(kept - index * width, 0), width);
    return group & ~((1 << (width - bits)) - 1) & ((1 << width) - 1);
  });
}

function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::').map((half) => half.split(':').filter(Boolean).flatMap(groupsOf));
  if (tail === undefined) return [...head].map(Number);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...[...head].map(Number), ...zeros, ...tail];
}

/** An IPv4 address may stand at the end of an IPv6 address, for two groups. */
function groupsOf(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [first = 0, second = 0, third = 0, fourth = 0] = text.split('.').map(Number);
  return [first * 256 + second, third * 256 + fourth];
}

/** In the shortest form (RFC 5952): the longest run of zeros, of two groups at least, becomes `::`. */
function formatIpv6(groups: readonly number[]): string {
  const runs = groups.map((_, start) => {
    const end = groups.findIndex((group, index) => index >= start && group !== 0);
    return { start, length: (end === -1 ? groups.length : end) - start };
  });
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), { start: 0, length: 1 });
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (longest.length < 2) return text(groups);
  return `${text(groups.slice(0, longest.start))}::${text(groups.slice(longest.start + longest.length))}`;
}
