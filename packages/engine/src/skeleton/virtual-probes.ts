// Virtual probes (deprecated): a listener in plain text, by which whoever cannot speak the mesh's TLS probes the application. Each path leads to one
// path of one port of the workload. A proxy whose kuma-dp forwards probes itself needs none.
import { create } from '@bufbuild/protobuf';
import {
  buildListener,
  type EnvoyResource,
  encodeResource,
  httpChain,
  listenerDraft,
  routeConfiguration,
  socketAddress,
  virtualProbeNames,
} from '@ursa/envoy';
import { type Route, RouteSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { DataplaneFacts, VirtualProbe } from '../dataplane-facts.ts';
import type { ProxyClass } from '../proxy-class.ts';

/** The listener; none for a Dataplane without probes. */
export function virtualProbes(
  { address, probes, inbounds }: DataplaneFacts,
  { names, transparent, reusePort }: ProxyClass,
): readonly EnvoyResource[] {
  if (probes === undefined) return [];
  const clusters = new Map(inbounds.map((inbound) => [inbound.servicePort, names.inboundCluster(inbound)]));
  const routes = routeConfiguration({
    name: virtualProbeNames.route,
    virtualHost: virtualProbeNames.virtualHost,
    routes: probes.endpoints.map((endpoint) => probeRoute(endpoint, clusters.get(endpoint.inboundPort))),
  });
  const draft = listenerDraft({
    name: virtualProbeNames.listener,
    address: socketAddress(address, probes.port),
    direction: 'INBOUND',
    chains: [httpChain(virtualProbeNames.listener, routes, { trusted: 'private' })],
    reusePort,
    ...(transparent ? { bindToPort: false } : {}),
  });
  return [encodeResource('listener', buildListener(draft), 'probe')];
}

/** To the workload; for a port that is no inbound, the prober is sent to the port itself. */
function probeRoute({ path, inboundPath, inboundPort }: VirtualProbe, cluster: string | undefined): Route {
  return create(RouteSchema, {
    match: {
      pathSpecifier: { case: 'path', value: path },
      headers: [
        {
          name: ':method',
          headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'exact', value: 'GET' } } },
        },
      ],
    },
    action:
      cluster === undefined
        ? {
            case: 'redirect',
            value: { portRedirect: inboundPort, pathRewriteSpecifier: { case: 'pathRedirect', value: inboundPath } },
          }
        : {
            case: 'route',
            value: {
              clusterSpecifier: { case: 'cluster', value: cluster },
              regexRewrite: {
                pattern: { regex: '.*', engineType: { case: 'googleRe2', value: {} } },
                // A backslash would mean a group of the expression.
                substitution: inboundPath.replaceAll('\\', '\\\\'),
              },
            },
          },
  });
}
