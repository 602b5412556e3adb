// Which traffic is left alone: by user, by address, and by the network of an interface, as written in flags and documents.
import { MeshError } from '@ursa/resources';
import { familyOf, type IpFamily } from './ip-range.ts';

/** Ports of one protocol that some users reach directly. Ranges are written with a colon, as iptables reads them. */
export interface UserExclusion {
  readonly protocol: 'tcp' | 'udp';
  /** At most fifteen, a range counting twice: more do not go into one rule. */
  readonly ports: readonly string[];
  readonly uids: string;
}

/** An interface behind which containers are, and the network that they are in. */
export interface VirtualNetwork {
  /** May end in `+`, which stands for any ending. */
  readonly interfaceName: string;
  readonly network: string;
  readonly family: IpFamily;
}

/** Where users are named whose traffic is left alone. */
const outboundUidsField = 'redirect.outbound.excludePortsForUIDs (--exclude-outbound-ports-for-uids)';

const protocols = ['tcp', 'udp'] as const;
const everyPort = '1-65535';
const highestPort = 65_535;
const highestUid = 2 ** 32 - 2;
const portsOfOneRule = 15;

/** Reads `uids`, `ports:uids` or `protocol:ports:uids`. Protocol and ports may be `*` or empty. Throws a `MeshError` that says what is wrong. */
export function parseUserExclusion(text: string): readonly UserExclusion[] {
  const parts = text.split(':');
  if (parts.length > 3) throw wrong(`expected [protocol:][ports:]uids, got '${text}'`);
  const [uids = '', ports = '*', protocol = '*'] = parts.toReversed().map((part) => part.trim());
  if (uids === '*') throw wrong("wildcard '*' is not allowed for UIDs");
  if (uids.includes(',')) throw wrong(`expected one UID or one range, got '${uids}'`);
  const owners = parseRanges(uids, highestUid, 'UID')[0] ?? '';
  const portRanges = parseRanges(ports === '' || ports === '*' ? everyPort : ports, highestPort, 'port');
  const wanted = protocol === '' || protocol === '*' ? protocols : protocol.split(',').map(parseProtocol);
  return wanted.flatMap((name) => inRules(portRanges).map((list) => ({ protocol: name, ports: list, uids: owners })));
}

function parseProtocol(text: string): 'tcp' | 'udp' {
  const protocol = protocols.find((known) => known === text.trim().toLowerCase());
  if (protocol === undefined) throw wrong(`invalid or unsupported protocol: '${text}'`);
  return protocol;
}

function parseRanges(text: string, highest: number, what: string): readonly string[] {
  return text.split(',').map((part) => {
    const ends = part.trim().split('-');
    const numbers = ends.map((end) => (/^\d+$/.test(end) ? Number(end) : Number.NaN));
    const [from = Number.NaN, to = from] = numbers;
    if (ends.length > 2 || !(from <= to && to <= highest))
      throw wrong(`expected a ${what} up to ${highest} or a range such as 1000-2000, got '${part}'`);
    return numbers.join(':');
  });
}

function inRules(ranges: readonly string[]): readonly (readonly string[])[] {
  const rules: string[][] = [[]];
  let room = portsOfOneRule;
  for (const range of ranges) {
    const needed = range.includes(':') ? 2 : 1;
    if (needed > room) {
      rules.push([]);
      room = portsOfOneRule;
    }
    rules.at(-1)?.push(range);
    room -= needed;
  }
  return rules;
}

function wrong(reason: string): MeshError {
  return new MeshError('invalid', `${outboundUidsField}: parsing excluded outbound ports for uids failed: ${reason}`);
}

/** Those addresses that are of a family. Throws when one is no address; `field` names where it was given. */
export function addressesOf(family: IpFamily, addresses: readonly string[], field: string): readonly string[] {
  return addresses.filter((address) => {
    const found = familyOf(address);
    if (found === undefined)
      throw new MeshError(
        'invalid',
        `${field}: expected an IP address or a network such as 10.0.0.0/8 or fd00::/8, got "${address}"`,
      );
    return found === family;
  });
}

/** Reads `interface:network`. */
export function parseVirtualNetwork(text: string): VirtualNetwork {
  const colon = text.indexOf(':');
  const interfaceName = text.slice(0, Math.max(colon, 0));
  const network = text.slice(colon + 1);
  const family = network.includes('/') ? familyOf(network) : undefined;
  // An interface of Linux has at most fifteen characters, none of them white space or a slash.
  if (family === undefined || !/^[^\s/:!]{1,15}\+?$/.test(interfaceName)) {
    throw new MeshError(
      'invalid',
      `redirect.vnet.networks (--vnet): expected interface:network such as docker0:172.17.0.0/16, got "${text}"`,
    );
  }
  return { interfaceName, network, family };
}
