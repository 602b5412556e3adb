// `kumactl inspect dataplane NAME --type inbounds`: whether others send to each port of a proxy, since when, and why not.
import {
  type DataplaneInbound,
  type DataplaneSpec,
  inboundAddress,
  inboundKey,
  inboundService,
  inboundsOf,
  isInboundReady,
  whyNotReady,
} from '@ursa/resources';
import { field, listOf } from '../json-fields.ts';
import { formatAge, formatTable } from '../table.ts';

/** The table of an overview's inbounds. */
export function formatInbounds(overview: unknown, now: number): string {
  const spec = (field(overview, 'dataplane') ?? {}) as DataplaneSpec;
  const labels = (field(overview, 'labels') ?? {}) as Readonly<Record<string, string>>;
  const found = listOf(overview, 'dataplaneInsight', 'inbounds');
  const rows = inboundsOf(spec).map((inbound): readonly string[] => {
    const address = inboundAddress(spec, inbound);
    const health = found.find((each) => field(each, 'address') === address && field(each, 'port') === inbound.port);
    const since = field(health, 'since');
    const reason = field(health, 'reason');
    return [
      inboundKey(spec, inbound),
      inbound.name || '-',
      inboundService(inbound) ?? '-',
      stateOf(inbound),
      typeof since === 'string' ? formatAge(since, now) : '-',
      whyNotReady(labels, inbound, typeof reason === 'string' ? reason : undefined) ?? '-',
    ];
  });
  return formatTable(['ADDRESS', 'NAME', 'SERVICE', 'STATE', 'SINCE', 'WHY'], rows);
}

/** A state that nobody has written is that of its health. */
function stateOf(inbound: DataplaneInbound): string {
  return inbound.state ?? (isInboundReady(inbound) ? 'Ready' : 'NotReady');
}
