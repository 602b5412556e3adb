// MeshPassthrough: which destinations outside the mesh a transparent proxy lets through.
import { defineProxyPolicy, type Report } from '@ursa/policy';
import { closed, oneOf, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { isAddress, isAddressRange } from './ip-address.ts';

type Mode = 'All' | 'Matched' | 'None';
type Protocol = 'tcp' | 'tls' | 'grpc' | 'http' | 'http2' | 'mysql';

const match = closed({
  type: oneOf('Domain', 'IP', 'CIDR'),
  value: Type.String(),
  port: Type.Optional(uint32()),
  protocol: Type.Optional(
    Type.Unsafe<Protocol>({ enum: ['tcp', 'tls', 'grpc', 'http', 'http2', 'mysql'], default: 'tcp' }),
  ),
});

const conf = closed({
  passthroughMode: Type.Optional(Type.Unsafe<Mode>({ enum: ['All', 'Matched', 'None'], default: 'None' })),
  appendMatch: Type.Optional(Type.Array(match)),
});

/** The policy. Its effect on proxies comes later. */
export const meshPassthrough = defineProxyPolicy({
  name: 'MeshPassthrough',
  shortName: 'mp',
  summary: 'Lets traffic to destinations outside the mesh through.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset'],
  conf,
  checkConf({ appendMatch = [] }, report) {
    const seen = new Set<string>();
    for (const [index, item] of appendMatch.entries()) {
      const at = report.at(`appendMatch[${index}]`);
      checkMatch(item, at);
      const key = `${item.port} ${item.protocol} ${item.value}`;
      if (item.port !== undefined && seen.has(key)) {
        at.add('value', `value ${item.value} is already defined for this port and protocol`);
      }
      seen.add(key);
    }
  },
});

const domainName =
  /^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.?$/;

function checkMatch(item: Static<typeof match>, report: Report): void {
  const { type, value, port, protocol } = item;
  if (protocol === 'mysql' && port === undefined) report.add('port', 'port must be defined for Mysql protocol');
  if (port !== undefined && (port < 1 || port > 65535)) report.add('port', 'port must be a valid (1-65535)');
  if (type === 'CIDR' && !isAddressRange(value)) report.add('value', 'provided CIDR has incorrect value');
  if (type === 'IP' && !isAddress(value)) report.add('value', 'provided IP has incorrect value');
  if (type === 'Domain') checkDomain(item, report);
}

function checkDomain({ value, port, protocol }: Static<typeof match>, report: Report): void {
  if (protocol === 'tcp' || protocol === 'mysql') {
    report.add('protocol', `protocol ${protocol} is not supported for a domain`);
  }
  if (/^\*[^.]+/.test(value)) {
    report.add('value', 'provided DNS has incorrect value, partial wildcard is currently not supported');
  } else if (value !== '*' && !domainName.test(value.replace(/^\*\./, ''))) {
    report.add('value', 'provided DNS has incorrect value');
  }
  const aboveTcp = protocol === 'http' || protocol === 'http2' || protocol === 'grpc';
  if (port === undefined && value.startsWith('*') && aboveTcp) {
    report.add('port', "wildcard domains doesn't work for all ports and layer 7 protocol");
  }
}
