// DNS answered by Envoy itself, for a kuma-dp without a DNS server of its own.
import { create } from '@bufbuild/protobuf';
import {
  buildListener,
  durationOf,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  listenerDraft,
  pack,
  socketAddress,
  statName,
} from '@ursa/envoy';
import { ListenerFilterSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { DnsFilterConfigSchema } from '@ursa/envoy/gen/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.ts';
import type { DnsRecord } from '../outbounds.ts';
import { virtualIpv6 } from '../virtual-ipv6.ts';
import { dnsTtl } from './dynamic-config.ts';

/** The DNS listener on the loopback address. */
export function dnsListener(records: readonly DnsRecord[], port: number, names: EnvoyNames): EnvoyResource {
  const virtualDomains = records.map(({ name, addresses }) => ({
    name,
    answerTtl: durationOf(dnsTtl * 1000),
    endpoint: {
      endpointConfig: {
        case: 'addressList' as const,
        value: { address: addresses.flatMap((ip) => [ip, virtualIpv6(ip)]) },
      },
    },
  }));
  const config = create(DnsFilterConfigSchema, {
    statPrefix: statName(names.dns),
    serverConfig: { configSource: { case: 'inlineDnsTable', value: { virtualDomains } } },
  });
  const draft = listenerDraft({
    name: names.dns,
    address: socketAddress('127.0.0.1', port, 'UDP'),
    direction: 'INBOUND',
    chains: [],
    reusePort: true,
  });
  draft.message.listenerFilters.push(
    create(ListenerFilterSchema, {
      name: 'envoy.filters.udp.dns_filter',
      configType: { case: 'typedConfig', value: pack(DnsFilterConfigSchema, config) },
    }),
  );
  return encodeResource('listener', buildListener(draft), 'dns');
}
