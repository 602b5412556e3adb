// Listeners: a draft with what all kinds share, and packing a draft into its message.
import { create } from '@bufbuild/protobuf';
import type { Address } from '../gen/envoy/config/core/v3/address_pb.ts';
import { TrafficDirection } from '../gen/envoy/config/core/v3/base_pb.ts';
import { type ListenerFilter, ListenerFilterSchema } from '../gen/envoy/config/listener/v3/listener_components_pb.ts';
import { type Listener, ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpInspectorSchema } from '../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts';
import { OriginalDstSchema } from '../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts';
import { TlsInspectorSchema } from '../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts';
import type { FilterChainDraft, ListenerDraft } from './draft.ts';
import { buildFilterChain } from './filter-chain.ts';
import { metadataOf, pack } from './messages.ts';

/** What a listener is made of. Absent fields are left out of the message. */
export interface ListenerParts {
  /** Left out, as the address is, of what several listeners have in common. */
  readonly name?: string;
  readonly address?: Address;
  readonly direction?: 'INBOUND' | 'OUTBOUND';
  readonly chains: readonly FilterChainDraft[];
  /** Given only where the name is fit for statistics. */
  readonly statPrefix?: string;
  readonly reusePort?: boolean;
  /** False for listeners that only get connections from another listener. */
  readonly bindToPort?: boolean;
  /** Tags that MeshProxyPatch and statistics look for. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** A listener in the making. */
export function listenerDraft(parts: ListenerParts): ListenerDraft {
  const message = create(ListenerSchema, {
    name: parts.name ?? '',
    ...(parts.address === undefined ? {} : { address: parts.address }),
    statPrefix: parts.statPrefix ?? '',
  });
  if (parts.direction !== undefined) message.trafficDirection = TrafficDirection[parts.direction];
  if (parts.reusePort !== undefined) message.enableReusePort = parts.reusePort;
  if (parts.bindToPort !== undefined) message.bindToPort = parts.bindToPort;
  if (parts.tags !== undefined) message.metadata = metadataOf({ 'io.kuma.tags': { ...parts.tags } });
  return { message, chains: [...parts.chains] };
}

/** Looks into the first bytes of a connection for TLS, its server name and protocols. */
export function tlsInspector(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.tls_inspector',
    configType: { case: 'typedConfig', value: pack(TlsInspectorSchema, create(TlsInspectorSchema)) },
  });
}

/** Lets filters of a listener see the server name that clients ask for. */
export function inspectTls({ message }: ListenerDraft): void {
  const inspector = tlsInspector();
  if (!message.listenerFilters.some(({ name }) => name === inspector.name)) message.listenerFilters.push(inspector);
}

/** Looks into the first bytes of a connection for HTTP and its version. */
export function httpInspector(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.http_inspector',
    configType: { case: 'typedConfig', value: pack(HttpInspectorSchema, create(HttpInspectorSchema)) },
  });
}

/** Finds where a redirected connection was going. */
export function originalDestination(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.original_dst',
    configType: { case: 'typedConfig', value: pack(OriginalDstSchema, create(OriginalDstSchema)) },
  });
}

/** Packs a draft. The draft is spent: its message is the result. */
export function buildListener(draft: ListenerDraft): Listener {
  draft.message.filterChains = draft.chains.map(buildFilterChain);
  return draft.message;
}
