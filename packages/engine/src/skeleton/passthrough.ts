// Transparent proxying: the listeners that redirected packets arrive at, and where traffic goes that no other listener wants.
import {
  buildCluster,
  buildListener,
  type Direction,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  type IpFamily,
  listenerDraft,
  originalDestinationCluster,
  socketAddress,
  staticCluster,
  tcpChain,
} from '@ursa/envoy';
import type { RedirectPorts } from '../dataplane-facts.ts';
import { bypassAddress } from './inbound.ts';

const anyAddress = { ipv4: '0.0.0.0', ipv6: '::' } as const;

function passthroughListener(
  names: EnvoyNames,
  direction: Direction,
  family: IpFamily,
  port: number,
  reusePort: boolean,
): EnvoyResource {
  const name = names.passthrough(direction, family);
  const draft = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(anyAddress[family], port),
    direction: direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',
    chains: [tcpChain(name, name)],
    ...(direction === 'inbound' ? { reusePort } : {}),
  });
  draft.message.useOriginalDst = true;
  return encodeResource('listener', buildListener(draft));
}

function passthroughCluster(names: EnvoyNames, direction: Direction, family: IpFamily): EnvoyResource {
  const basics = { name: names.passthrough(direction, family), altStatName: !names.unified };
  const source = direction === 'inbound' ? bypassAddress[family] : undefined;
  return encodeResource('cluster', buildCluster(originalDestinationCluster(basics, source)));
}

/**
 * All resources of transparent proxying. Without `passthrough` the outbound listeners stay, so that traffic is redirected and refused,
 * but their clusters are gone.
 */
export function passthroughResources(
  names: EnvoyNames,
  redirect: RedirectPorts,
  options: { readonly passthrough: boolean; readonly reusePort: boolean },
): EnvoyResource[] {
  const families: readonly IpFamily[] = redirect.ipv6 ? ['ipv4', 'ipv6'] : ['ipv4'];
  const nowhere = staticCluster({ name: names.noDestinationInbound, altStatName: true }, []);
  const perFamily = families.flatMap((family) => [
    passthroughListener(names, 'inbound', family, redirect.inbound, options.reusePort),
    passthroughListener(names, 'outbound', family, redirect.outbound, options.reusePort),
    passthroughCluster(names, 'inbound', family),
    ...(options.passthrough ? [passthroughCluster(names, 'outbound', family)] : []),
  ]);
  return [...perFamily, encodeResource('cluster', buildCluster(nowhere))];
}
