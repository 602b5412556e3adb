// Select: which policies apply to a proxy. Policies and proxies meet in buckets, so that a policy for one proxy touches one proxy.
import { type TargetRef, tagNames } from '@ursa/resources';
import type { PolicyHead, Provenance } from './policy-head.ts';
import { labelsMatch, tagsMatch } from './target-ref.ts';

/** An inbound as policies can select it. */
export interface SelectableInbound {
  readonly address: string;
  readonly port: number;
  /** What `sectionName` is compared with, besides the port; '' when the inbound has no name. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A listener of the MeshGateway that a built-in gateway serves. */
export interface SelectableListener {
  readonly port: number;
  /** Tags of the gateway's Dataplane, of the MeshGateway and of the listener, later ones winning. */
  readonly tags: Readonly<Record<string, string>>;
  /** The listener's own tags. */
  readonly ownTags: Readonly<Record<string, string>>;
}

/** Facts about a proxy that decide which policies it gets. */
export interface SelectableProxy extends Provenance {
  readonly mesh: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Inbounds in the order of the Dataplane, those in state Ignored last. */
  readonly inbounds: readonly SelectableInbound[];
  /** True for a service outside of the mesh, as a zone egress serves it: it is no Dataplane, and its only inbound has its tags. */
  readonly outside?: true;
  readonly gateway?:
    | { readonly kind: 'delegated'; readonly tags: Readonly<Record<string, string>> }
    | {
        readonly kind: 'builtin';
        readonly tags: Readonly<Record<string, string>>;
        readonly meshGateway: Provenance;
        readonly listeners: readonly SelectableListener[];
      };
}

/** What of a proxy a policy applies to; positions in `inbounds` and `listeners`. */
export interface Selection {
  readonly inbounds: readonly number[];
  readonly listeners: readonly number[];
  /** True when the proxy is a delegated gateway and is selected as such. */
  readonly delegated: boolean;
}

const nothing: Selection = { inbounds: [], listeners: [], delegated: false };

/** Finds the route that a policy with a top-level MeshHTTPRoute reference attaches to. */
export type RouteResolver = (head: PolicyHead) => PolicyHead | undefined;

/** The bucket in which a policy is found. Every proxy that the policy can select looks into it. */
export function selectBucket(head: PolicyHead): string {
  const { targetRef, mesh } = head;
  const everyone = `mesh ${mesh}`;
  switch (targetRef.kind) {
    case 'Dataplane':
      if (targetRef.name !== undefined) return `name ${mesh} ${targetRef.name}`;
      return pairBucket(`label ${mesh}`, targetRef.labels) ?? everyone;
    case 'MeshSubset':
      return pairBucket(`tag ${mesh}`, targetRef.tags) ?? everyone;
    case 'MeshService':
    case 'MeshServiceSubset':
      return pairBucket(`tag ${mesh}`, serviceTags(targetRef)) ?? everyone;
    case 'MeshGateway':
      return `gateway ${mesh}`;
    case 'Mesh':
      return wholeMeshBucket(mesh);
    default:
      return everyone;
  }
}

/** The bucket of the policies that ask nothing of a proxy but its mesh. Sidecars can find them with {@link selectsSidecars}, once for many. */
export function wholeMeshBucket(mesh: string): string {
  return `all ${mesh}`;
}

/** Buckets that a proxy must look into to find all policies that can select it. */
export function proxyBuckets(proxy: SelectableProxy): readonly string[] {
  const { mesh } = proxy;
  const buckets = new Set([wholeMeshBucket(mesh), `mesh ${mesh}`, `name ${mesh} ${proxy.displayName}`]);
  for (const [key, value] of Object.entries(proxy.labels)) buckets.add(`label ${mesh} ${key}=${value}`);
  const tagSets = [...proxy.inbounds, ...(proxy.gateway ? [proxy.gateway] : [])].map((item) => item.tags);
  if (proxy.gateway?.kind === 'builtin') {
    buckets.add(`gateway ${mesh}`);
    tagSets.push(...proxy.gateway.listeners.map((listener) => listener.tags));
  }
  for (const tags of tagSets) {
    for (const [key, value] of Object.entries(tags)) buckets.add(`tag ${mesh} ${key}=${value}`);
  }
  return [...buckets].sort();
}

// One pair is enough: a proxy that the policy selects has all of them. The service name splits proxies best.
function pairBucket(prefix: string, pairs: Readonly<Record<string, string>> | undefined): string | undefined {
  const exact = Object.entries(pairs ?? {}).filter(([, value]) => value !== '*');
  const best = exact.find(([key]) => key === tagNames.service) ?? exact.sort()[0];
  return best && `${prefix} ${best[0]}=${best[1]}`;
}

/** What of the proxy the policy applies to; undefined when nothing. Shadow policies are left to the caller. */
export function selects(head: PolicyHead, proxy: SelectableProxy, routeOf?: RouteResolver): Selection | undefined {
  if (head.mesh !== proxy.mesh || !withinReach(head, proxy)) return undefined;
  const selection = selectByRef(head, proxy, routeOf);
  const empty = selection.inbounds.length === 0 && selection.listeners.length === 0 && !selection.delegated;
  return empty ? undefined : selection;
}

/** What of a sidecar decides whether policies for the whole mesh apply to it. */
export type Standing = Pick<SelectableProxy, 'mesh' | 'origin' | 'zone' | 'namespace'>;

/** True when the policy is one for the whole mesh and applies to all sidecars of this standing, with all their inbounds. */
export function selectsSidecars(head: PolicyHead, standing: Standing): boolean {
  const { targetRef, mesh } = head;
  return (
    targetRef.kind === 'Mesh' &&
    mesh === standing.mesh &&
    withinReach(head, standing) &&
    proxyTypeFits(targetRef, standing)
  );
}

function withinReach(head: PolicyHead, proxy: Standing & Pick<SelectableProxy, 'gateway'>): boolean {
  const ownNamespaceOnly = head.role === 'consumer' || head.role === 'workload-owner';
  if (ownNamespaceOnly && head.namespace !== proxy.namespace) return false;
  // What a zone makes stays in that zone; only producers speak to clients of other zones. A gateway made for all zones is in each.
  const { origin, zone } = proxy.gateway?.kind === 'builtin' ? proxy.gateway.meshGateway : proxy;
  const everywhere = head.origin !== 'zone' || head.role === 'producer' || head.zone === '';
  return everywhere || origin !== 'zone' || zone === '' || head.zone === zone;
}

function selectByRef(head: PolicyHead, proxy: SelectableProxy, routeOf: RouteResolver | undefined): Selection {
  const { targetRef } = head;
  switch (targetRef.kind) {
    case 'Mesh':
      return proxyTypeFits(targetRef, proxy) ? selectByTags({}, proxy) : nothing;
    case 'MeshSubset':
      return proxyTypeFits(targetRef, proxy) ? selectByTags(targetRef.tags ?? {}, proxy) : nothing;
    case 'MeshService':
    case 'MeshServiceSubset':
      return selectByTags(serviceTags(targetRef), proxy);
    case 'Dataplane':
      return selectDataplane(head, proxy);
    case 'MeshGateway':
      return selectGateway(head, proxy);
    case 'MeshHTTPRoute': {
      const route = routeOf?.(head);
      return route === undefined || route.targetRef.kind === 'MeshHTTPRoute'
        ? nothing
        : (selects(route, proxy) ?? nothing);
    }
    default:
      return nothing;
  }
}

function serviceTags(targetRef: TargetRef): Record<string, string> {
  return { ...targetRef.tags, [tagNames.service]: targetRef.name ?? '' };
}

function proxyTypeFits(targetRef: TargetRef, proxy: Standing & Pick<SelectableProxy, 'gateway'>): boolean {
  const types = targetRef.proxyTypes ?? [];
  return types.length === 0 || types.includes(proxy.gateway === undefined ? 'Sidecar' : 'Gateway');
}

function selectByTags(selector: Readonly<Record<string, string>>, proxy: SelectableProxy): Selection {
  const { gateway } = proxy;
  const listeners = gateway?.kind === 'builtin' ? gateway.listeners : [];
  return {
    inbounds: positions(proxy.inbounds, (inbound) => tagsMatch(selector, inbound.tags)),
    listeners: positions(listeners, (listener) => tagsMatch(selector, listener.tags)),
    delegated: gateway?.kind === 'delegated' && tagsMatch(selector, gateway.tags),
  };
}

function selectDataplane(head: PolicyHead, proxy: SelectableProxy): Selection {
  if (proxy.outside === true) return nothing;
  const { name, namespace, labels, sectionName } = head.targetRef;
  // A namespace says where a name is looked up; alone it means nothing, and certainly not every data plane.
  if (name === undefined && labels === undefined && namespace !== undefined) return nothing;
  if (name !== undefined && !refersTo(head, head.targetRef, proxy)) return nothing;
  if (labels !== undefined && !labelsMatch(labels, proxy.labels)) return nothing;
  const inSection = (inbound: SelectableInbound) =>
    sectionName === undefined || inbound.name === sectionName || String(inbound.port) === sectionName;
  return {
    inbounds: positions(proxy.inbounds, inSection),
    listeners: proxy.gateway?.kind === 'builtin' ? positions(proxy.gateway.listeners, () => true) : [],
    delegated: proxy.gateway?.kind === 'delegated',
  };
}

function selectGateway(head: PolicyHead, proxy: SelectableProxy): Selection {
  const { gateway } = proxy;
  if (gateway?.kind !== 'builtin' || !refersToGateway(head, gateway.meshGateway)) return nothing;
  const selector = head.targetRef.tags ?? {};
  return { ...nothing, listeners: positions(gateway.listeners, (listener) => tagsMatch(selector, listener.ownTags)) };
}

// A MeshGateway belongs to no namespace, and to no zone unless a zone made it: its name is enough then.
function refersToGateway({ targetRef, namespace, zone }: PolicyHead, gateway: Provenance): boolean {
  const inReach = (own: string, other: string) => other === '' || own === other;
  return targetRef.name === gateway.displayName && inReach(namespace, gateway.namespace) && inReach(zone, gateway.zone);
}

/**
 * True when a reference by name in a policy means that resource: a name is looked up in the policy's own zone and namespace. A policy
 * made in the global control plane finds only what was made there; it selects what zones make by labels.
 */
export function refersTo(from: Provenance, targetRef: TargetRef, resource: Provenance): boolean {
  return (
    targetRef.name === resource.displayName &&
    (targetRef.namespace ?? from.namespace) === resource.namespace &&
    from.zone === resource.zone
  );
}

function positions<Item>(items: readonly Item[], accept: (item: Item) => boolean): number[] {
  return items.flatMap((item, position) => (accept(item) ? [position] : []));
}
