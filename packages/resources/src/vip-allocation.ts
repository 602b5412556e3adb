// Virtual addresses of services. A pure function of the service's name, so that rebuilding everything from nothing gives the same addresses.
import { MeshError } from './error.ts';

/** Addresses to choose from: consecutive IPv4 addresses as numbers, both ends included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** Reads an IPv4 range such as `241.0.0.0/8`. Its network and broadcast addresses are left out when it has more than two. Errors: `MeshError('invalid')`. */
export function parseAddressRange(cidr: string): AddressRange {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr)?.slice(1).map(Number);
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts ?? [];
  if (prefix > 32 || [a, b, c, d].some((octet) => octet > 255)) {
    throw new MeshError('invalid', `${JSON.stringify(cidr.slice(0, 64))}: expected an IPv4 range such as 241.0.0.0/8`);
  }
  const size = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const start = address - (address % size);
  return size > 2 ? { first: start + 1, last: start + size - 2 } : { first: start, last: start + size - 1 };
}

/**
 * Gives an address to each of `names` that has none, none of them twice and none that is `taken`. Starts at a hash of the name and goes on to
 * the next free address; names are served in sorted order. Names for which none is left are not in the result.
 */
export function allocateAddresses(
  range: AddressRange,
  names: readonly string[],
  taken: Iterable<string>,
): ReadonlyMap<string, string> {
  const used = new Set(taken);
  const size = range.last - range.first + 1;
  const allocated = new Map<string, string>();
  for (const name of [...new Set(names)].sort()) {
    const start = spread(name) % size;
    for (let step = 0; step < size; step++) {
      const address = formatAddress(range.first + ((start + step) % size));
      if (used.has(address)) continue;
      used.add(address);
      allocated.set(name, address);
      break;
    }
  }
  return allocated;
}

/** Whether an address is one of a range. */
export function isInRange({ first, last }: AddressRange, address: string): boolean {
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return number >= first && number <= last;
}

/** Dotted form of an address. */
export function formatAddress(address: number): string {
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff].join('.');
}

// FNV-1a of the UTF-16 units, then the last mixing step of MurmurHash3, so that names that differ in one letter lie far apart.
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let position = 0; position < text.length; position++) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
