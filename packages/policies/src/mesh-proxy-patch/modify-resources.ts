// Applies the modifications of a conf to finished resources, in their order, and makes the resources that they add.
import { clone } from '@bufbuild/protobuf';
import { legacyNames, unifiedNames } from '@ursa/envoy';
import { type Cluster, ClusterSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { type Listener, ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import type { FinishedResource, Warn } from '@ursa/policy';
import { canonicalizeRequests } from './canonical-requests.ts';
import { valueFrom } from './envoy-value.ts';
import { changeHttpFilters, changeNetworkFilters, changeVirtualHosts } from './modify-filters.ts';
import { patched } from './patch-message.ts';
import type { Modification, ProxyPatchConf } from './proxy-patch-conf.ts';

/** Origin of what is added. */
export const patchOrigin = 'mesh-proxy-patch';

/** Names of one listener in both forms: users write the one they know. */
const equivalentNames = new Map(
  (['inbound', 'outbound'] as const).flatMap((direction) =>
    (['ipv4', 'ipv6'] as const).flatMap((family): [string, string][] => {
      const legacy = legacyNames.passthrough(direction, family);
      const unified = unifiedNames.passthrough(direction, family);
      return [
        [legacy, unified],
        [unified, legacy],
      ];
    }),
  ),
);

type Tags = Readonly<Record<string, string>>;

function hasTags({ metadata }: Listener, wanted: Tags): boolean {
  const tags = metadata?.filterMetadata['io.kuma.tags'] ?? {};
  return Object.entries(wanted).every(([tag, value]) => tags[tag] === value || (value === '*' && tag in tags));
}

/** What a modification asks of the resource it applies to. */
interface Asked {
  readonly origin?: string;
  readonly name?: string;
  readonly tags?: Tags;
}

function isAsked(resource: FinishedResource, { origin, name, tags = {} }: Asked = {}): boolean {
  if (origin !== undefined && origin !== resource.origin) return false;
  if (name !== undefined && name !== resource.name && equivalentNames.get(name) !== resource.name) return false;
  return resource.type === 'cluster' || Object.keys(tags).length === 0 || hasTags(resource.message(), tags);
}

const filterAsks = (match: { origin?: string; listenerName?: string; listenerTags?: Tags } = {}): Asked => ({
  ...(match.origin === undefined ? {} : { origin: match.origin }),
  ...(match.listenerName === undefined ? {} : { name: match.listenerName }),
  ...(match.listenerTags === undefined ? {} : { tags: match.listenerTags }),
});

/** Applies one modification. Returns false when the resource is removed; throws when it cannot be applied. */
function modify(resource: FinishedResource, modification: Modification): boolean {
  const { cluster, listener, networkFilter, httpFilter, virtualHost } = modification;
  if (resource.type === 'cluster') {
    if (cluster === undefined || cluster.operation === 'Add' || !isAsked(resource, cluster.match)) return true;
    if (cluster.operation === 'Remove') return false;
    const { jsonPatches = [] } = cluster;
    resource.replace(patched(ClusterSchema, resource.message(), jsonPatches, () => valueFrom('cluster', cluster)));
    return true;
  }
  if (listener !== undefined && listener.operation !== 'Add' && isAsked(resource, listener.match)) {
    if (listener.operation === 'Remove') return false;
    const { jsonPatches = [] } = listener;
    resource.replace(patched(ListenerSchema, resource.message(), jsonPatches, () => valueFrom('listener', listener)));
  }
  const changeFilters = (change: (listener: Listener) => void): void => {
    // On a copy, so that a modification that fails half-way changes nothing.
    const changed = clone(ListenerSchema, resource.message());
    change(changed);
    resource.replace(changed);
  };
  if (networkFilter !== undefined && isAsked(resource, filterAsks(networkFilter.match))) {
    changeFilters((message) => changeNetworkFilters(message, networkFilter));
  }
  if (httpFilter !== undefined && isAsked(resource, filterAsks(httpFilter.match))) {
    changeFilters((message) => changeHttpFilters(message, httpFilter));
  }
  if (virtualHost !== undefined && isAsked(resource, filterAsks(virtualHost.match))) {
    changeFilters((message) => changeVirtualHosts(message, virtualHost));
  }
  return true;
}

function modifyInOrder(
  resource: FinishedResource,
  modifications: readonly Modification[],
  first: number,
  warn: Warn,
): boolean {
  for (const [offset, modification] of modifications.slice(first).entries()) {
    try {
      if (!modify(resource, modification)) return false;
    } catch (error) {
      const place = `appendModifications[${first + offset}].${Object.keys(modification)[0]}`;
      const cause = error instanceof Error ? error.message : String(error);
      warn(`MeshProxyPatch: ${place} cannot be applied to the ${resource.type} ${resource.name}: ${cause}`);
    }
  }
  return true;
}

/** Applies all modifications to one resource. Returns false when it is removed. */
export function modifyResource(resource: FinishedResource, conf: ProxyPatchConf, warn: Warn): boolean {
  if (!modifyInOrder(resource, conf.appendModifications ?? [], 0, warn)) return false;
  if (resource.type === 'listener' && resource.origin === 'inbound') {
    const changed = clone(ListenerSchema, resource.message());
    if (canonicalizeRequests(changed)) resource.replace(changed);
  }
  return true;
}

/** Resources that a conf adds, with the modifications that come after. */
export function addedResources(conf: ProxyPatchConf, warn: Warn): readonly (Cluster | Listener)[] {
  const { appendModifications: modifications = [] } = conf;
  const added = new Map<string, Cluster | Listener>();
  for (const [index, { cluster, listener }] of modifications.entries()) {
    try {
      const resource =
        cluster?.operation === 'Add'
          ? createdCluster(clone(ClusterSchema, valueFrom('cluster', cluster)))
          : listener?.operation === 'Add'
            ? createdListener(clone(ListenerSchema, valueFrom('listener', listener)))
            : undefined;
      if (resource === undefined) continue;
      const key = `${resource.type} ${resource.name}`;
      added.delete(key);
      if (modifyInOrder(resource, modifications, index + 1, warn)) added.set(key, resource.message());
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      warn(`MeshProxyPatch: appendModifications[${index}] cannot be added: ${cause}`);
    }
  }
  return [...added.values()];
}

function createdCluster(message: Cluster): FinishedResource {
  let current = message;
  const replace = (other: Cluster) => {
    current = other;
  };
  return { type: 'cluster', name: message.name, origin: patchOrigin, message: () => current, replace };
}

function createdListener(message: Listener): FinishedResource {
  let current = message;
  const replace = (other: Listener) => {
    current = other;
  };
  return { type: 'listener', name: message.name, origin: patchOrigin, message: () => current, replace };
}
