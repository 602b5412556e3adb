// What a MeshPassthrough must keep to beside its schema: values that fit their type, protocols that can be told apart.
import type { Report } from '@ursa/policy';
import { isDnsName, isIp } from '@ursa/resources';
import { isIpRange } from './ip-range.ts';
import { type OutsideMatch, type PassthroughConf, requestProtocols } from './passthrough-conf.ts';

/** Checks a conf. */
export function checkPassthrough({ appendMatch = [] }: PassthroughConf, report: Report): void {
  const seen = new Set<string>();
  const protocols = new Map<number | undefined, string>();
  for (const [index, item] of appendMatch.entries()) {
    const at = report.at(`appendMatch[${index}]`);
    checkMatch(item, at);
    const { port, protocol = 'tcp', value } = item;
    // The case of a name tells nothing.
    const key = `${port} ${item.protocol} ${value.toLowerCase()}`;
    if (port !== undefined && seen.has(key)) {
      // Letter for letter as clients know it from the peers.
      at.add('value', `value ${value} is already defiend for this port and protocol`);
    }
    seen.add(key);
    if (!requestProtocols.has(protocol)) continue;
    const other = protocols.get(port) ?? protocol;
    if (other !== protocol && port === undefined) {
      at.add('protocol', `what has no port already has ${other}: it cannot have ${protocol} too`);
    } else if (other !== protocol) at.add('port', oneProtocol);
    protocols.set(port, other);
  }
}

const oneProtocol =
  'using the same port in multiple matches requires the same protocol for the following protocols: [grpc http http2]';

function checkMatch(item: OutsideMatch, report: Report): void {
  const { type, value, port, protocol } = item;
  if (protocol === 'mysql' && port === undefined) report.add('port', 'port must be defined for Mysql protocol');
  if (port !== undefined && (port < 1 || port > 65535)) report.add('port', 'port must be a valid (1-65535)');
  if (type === 'CIDR' && !isIpRange(value)) report.add('value', 'provided CIDR has incorrect value');
  if (type === 'IP' && !isIp(value)) report.add('value', 'provided IP has incorrect value');
  if (type === 'Domain') checkDomain(item, report);
}

function checkDomain({ value, port, protocol }: OutsideMatch, report: Report): void {
  if (protocol === 'tcp' || protocol === 'mysql') {
    report.add('protocol', `protocol ${protocol} is not supported for a domain`);
  }
  if (/^\*[^.]+/.test(value)) {
    report.add('value', 'provided DNS has incorrect value, partial wildcard is currently not supported');
  } else if (value !== '*' && !isDnsName(value.replace(/^\*\./, ''))) {
    report.add('value', 'provided DNS has incorrect value');
  }
  if (port === undefined && value.startsWith('*') && requestProtocols.has(protocol ?? '')) {
    report.add('port', "wildcard domains doesn't work for all ports and layer 7 protocol");
  }
}
