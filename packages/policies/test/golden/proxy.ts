// Dataplanes and gateways of golden cases as policies see them.
import { provenance, type SelectableInbound, type SelectableListener, type SelectableProxy } from '@ursa/policy';
import type { DataplaneSpec, MeshGatewaySpec, Resource } from '@ursa/resources';

type Tags = Readonly<Record<string, string>>;

/** Facts of a Dataplane; of the gateways it serves the first one whose selector fits. */
export function proxyOf(dataplane: Resource, gateways: readonly Resource[] = []): SelectableProxy {
  const networking = (dataplane.spec as DataplaneSpec).networking ?? {};
  const address = networking.address ?? '';
  const inbounds: SelectableInbound[] = [...(networking.inbound ?? []), ...(networking.listeners ?? [])].map(
    (item) => ({
      address: item.address ?? address,
      port: item.port ?? 0,
      name: item.name ?? '',
      tags: 'tags' in item ? (item.tags ?? {}) : {},
    }),
  );
  const base = { ...provenance(dataplane), mesh: dataplane.mesh, labels: dataplane.labels, inbounds };
  const tags = networking.gateway?.tags ?? {};
  if (networking.gateway === undefined) return base;
  if (networking.gateway.type !== 'BUILTIN') return { ...base, gateway: { kind: 'delegated', tags } };
  const gateway = gateways.find((resource) => servesGateway(resource, tags));
  if (gateway === undefined) return base;
  const listeners = listenersOf(gateway, tags);
  return { ...base, gateway: { kind: 'builtin', tags, meshGateway: provenance(gateway), listeners } };
}

function servesGateway(gateway: Resource, tags: Tags): boolean {
  const { selectors = [] } = gateway.spec as MeshGatewaySpec;
  return selectors.some(({ match = {} }) => Object.entries(match).every(([key, value]) => tags[key] === value));
}

function listenersOf(gateway: Resource, tags: Tags): SelectableListener[] {
  const { conf, tags: gatewayTags = {} } = gateway.spec as MeshGatewaySpec;
  return (conf?.listeners ?? []).map(({ port = 0, tags: ownTags = {} }) => ({
    port,
    ownTags,
    tags: { ...tags, ...gatewayTags, ...ownTags },
  }));
}
