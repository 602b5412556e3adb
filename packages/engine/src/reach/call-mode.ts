// How workloads call others, and what of the virtual addresses a proxy can serve where nothing is redirected to it (feature C17).
import type { DnsRecord, Outbound } from '../outbounds.ts';

/**
 * How a proxy's workload calls: its packets are redirected; or it calls virtual addresses of its loopback, on which the proxy listens; or only
 * the outbounds that the Dataplane spells out.
 */
export type CallMode = 'redirected' | 'bound' | 'explicit';

/** An address on which any proxy can listen without being given it (RFC 1122, 3.2.1.3). */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}

/** The addresses that a proxy can listen on, beside those that its Dataplane spells out: these come first. */
export function boundOutbounds(written: readonly Outbound[], all: readonly Outbound[]): readonly Outbound[] {
  const placeOf = ({ address, port }: Outbound): string => `${address}:${port}`;
  const taken = new Set(written.map(placeOf));
  return [...written, ...all.filter((each) => isLoopback(each.address) && !taken.has(placeOf(each)))];
}

/** The names that lead there. */
export function boundRecords(records: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter(({ addresses }) => addresses.some(isLoopback));
}

/** What cannot be listened on, a sentence each. */
export function unboundWarnings(outbounds: readonly Outbound[]): readonly string[] {
  const others = [...new Set(outbounds.map(({ address }) => address))].filter((address) => !isLoopback(address));
  const [first] = others;
  if (first === undefined) return [];
  return [
    `bind-outbounds: ${others.length} virtual ${others.length === 1 ? 'address has' : 'addresses have'} no listener, such as ${first}: ` +
      'give the control plane ranges within 127.0.0.0/8 (KUMA_DNS_SERVER_CIDR, KUMA_IPAM_MESH_SERVICE_CIDR and the others)',
  ];
}
