// Transparent proxying: the listeners that redirected packets arrive at, and where traffic goes that no other listener wants.
import { create } from '@bufbuild/protobuf';
import {
  buildCluster,
  buildListener,
  type Direction,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  type FilterChainDraft,
  type IpFamily,
  type ListenerDraft,
  listenerDraft,
  originalDestinationCluster,
  socketAddress,
  staticCluster,
  tcpChain,
} from '@ursa/envoy';
import { FilterChainMatchSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { RedirectPorts } from '../dataplane-facts.ts';
import { bypassAddress } from './inbound.ts';

const anyAddress = { ipv4: '0.0.0.0', ipv6: '::' } as const;

/** What a transparent proxy does with traffic that is not its own. */
export interface PassthroughOptions {
  /** False to refuse traffic to addresses outside of the mesh. */
  readonly open: boolean;
  readonly reusePort: boolean;
  /** The only ports on which the workload may be reached; undefined for all. */
  readonly onlyPorts: readonly number[] | undefined;
  /** Lets policies shape a listener for traffic that leaves. Returns whether its cluster is there. */
  shape(listener: ListenerDraft, family: IpFamily): boolean;
}

/** Chains for what arrives: only declared ports lead to the workload, where they are all that counts. */
function inboundChains(name: string, names: EnvoyNames, onlyPorts: readonly number[] | undefined): FilterChainDraft[] {
  if (onlyPorts === undefined) return [tcpChain(name, name)];
  if (onlyPorts.length === 0) return [tcpChain(name, names.noDestinationInbound)];
  return onlyPorts.map((port) => {
    const chain = tcpChain(name, name);
    chain.message.filterChainMatch = create(FilterChainMatchSchema, { destinationPort: port });
    return chain;
  });
}

/** A listener, and the cluster that its own chain leads to. */
function passthrough(
  names: EnvoyNames,
  direction: Direction,
  family: IpFamily,
  port: number,
  options: PassthroughOptions,
): EnvoyResource[] {
  const name = names.passthrough(direction, family);
  const inbound = direction === 'inbound';
  const draft = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(anyAddress[family], port),
    direction: inbound ? 'INBOUND' : 'OUTBOUND',
    chains: inbound ? inboundChains(name, names, options.onlyPorts) : [tcpChain(name, name)],
    ...(inbound ? { reusePort: options.reusePort } : {}),
  });
  draft.message.useOriginalDst = true;
  const open = inbound || options.shape(draft, family);
  const listener = encodeResource('listener', buildListener(draft), 'transparent');
  return open ? [listener, passthroughCluster(names, direction, family)] : [listener];
}

function passthroughCluster(names: EnvoyNames, direction: Direction, family: IpFamily): EnvoyResource {
  const basics = { name: names.passthrough(direction, family), altStatName: !names.unified };
  const source = direction === 'inbound' ? bypassAddress[family] : undefined;
  return encodeResource('cluster', buildCluster(originalDestinationCluster(basics, source)), 'transparent');
}

/**
 * All resources of transparent proxying. Where it is not `open`, the outbound listeners stay, so that traffic is redirected and refused,
 * but their clusters are gone.
 */
export function passthroughResources(
  names: EnvoyNames,
  redirect: RedirectPorts,
  options: PassthroughOptions,
): EnvoyResource[] {
  const families: readonly IpFamily[] = redirect.ipv6 ? ['ipv4', 'ipv6'] : ['ipv4'];
  const nowhere = staticCluster({ name: names.noDestinationInbound, altStatName: true }, []);
  const perFamily = families.flatMap((family) => [
    ...passthrough(names, 'inbound', family, redirect.inbound, options),
    ...passthrough(names, 'outbound', family, redirect.outbound, options),
  ]);
  return [...perFamily, encodeResource('cluster', buildCluster(nowhere), 'transparent')];
}
