// The names in a client's certificate, kept with the connection. Envoy's expressions see only the first URI name of a certificate by themselves;
// those of a mesh's own authority name every service of the proxy, and its tags.
import { create } from '@bufbuild/protobuf';
import { type FilterChainDraft, networkFilter, once, pack } from '@ursa/envoy';
import { ConfigSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts';

/** Where they are found: as one text, with a comma before, between and behind them. */
export const clientNamesKey = 'ursa.client_names';

const filter = once(() => {
  const config = create(ConfigSchema, {
    onDownstreamTlsHandshake: [
      {
        key: { case: 'objectKey', value: clientNamesKey },
        factoryKey: 'envoy.string',
        value: {
          case: 'formatString',
          value: {
            format: {
              case: 'textFormatSource',
              value: { specifier: { case: 'inlineString', value: ',%DOWNSTREAM_PEER_URI_SAN%,' } },
            },
          },
        },
      },
    ],
  });
  return networkFilter('envoy.filters.network.set_filter_state', pack(ConfigSchema, config));
});

/** Has the chains remember the names. Clients without a certificate have none. */
export function rememberClientNames(chains: readonly FilterChainDraft[]): void {
  for (const { networkFilters } of chains) networkFilters.push({ stage: 'accessLog', filter: filter() });
}
