// Names of the mesh and their addresses, as the control plane tells them in the document `/dns` of the dynamic configuration (reference s14).
import { isIPv4, isIPv6 } from 'node:net';
import { MeshError } from '@ursa/resources';

/** Addresses of a name, by family. */
export interface NameAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** What the server knows of the mesh. */
export interface MeshNames {
  /** Seconds for which an answer may be remembered. */
  readonly ttl: number;
  readonly count: number;
  /** Undefined for a name that is not one of the mesh. `name` in lower case, without a dot at its end. */
  addressesOf(name: string): NameAddresses | undefined;
  /** Names of an address that stands for a service; none for others. `reversed` as in a question: `1.0.0.241.in-addr.arpa`. */
  namesOf(reversed: string): readonly string[];
}

const longestTtl = 3600;

/** Reads the document. Throws `MeshError` when it is none; entries that make no sense are left out. */
export function parseMeshNames(text: string): MeshNames {
  const { records, ttl } = parseObject(text);
  const byName = new Map<string, NameAddresses>();
  const byAddress = new Map<string, string[]>();
  for (const record of Array.isArray(records) ? records : []) {
    const { name, ips } = (record ?? {}) as { readonly name?: unknown; readonly ips?: unknown };
    if (typeof name !== 'string' || name === '' || !Array.isArray(ips)) continue;
    const known = canonicalName(name);
    const texts = ips.filter((ip) => typeof ip === 'string');
    byName.set(known, { ipv4: texts.filter(isIPv4), ipv6: texts.filter(isIPv6) });
    for (const ip of texts) {
      const reversed = reverseName(ip);
      if (reversed !== undefined) byAddress.set(reversed, [...(byAddress.get(reversed) ?? []), known]);
    }
  }
  return {
    ttl: typeof ttl === 'number' && ttl >= 0 ? Math.min(Math.floor(ttl), longestTtl) : 30,
    count: byName.size,
    addressesOf: (name) => byName.get(name),
    namesOf: (reversed) => byAddress.get(reversed) ?? [],
  };
}

/** The form in which names are compared. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function parseObject(text: string): { readonly records?: unknown; readonly ttl?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MeshError('invalid', `the names of the mesh are not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null)
    throw new MeshError('invalid', 'the names of the mesh are no object');
  return value;
}

/** The name under which an address is asked for (RFC 1035 section 3.5, RFC 3596 section 2.5); undefined for what is no address. */
function reverseName(address: string): string | undefined {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!isIPv6(address)) return undefined;
  // The URL parser writes an address without leading zeros and without an embedded IPv4 address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (part = ''): readonly string[] => (part === '' ? [] : part.split(':'));
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - first.length - last.length }, () => '0');
  const digits = [...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join('');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}
