// Rules of one policy type for one proxy: what the walk looks confs up in, and what inspection prints.
import { tagNames } from '@ursa/resources';
import type { DestinationId, Destinations } from './destination.ts';
import type { FromSubset, InboundRuleSet } from './hooks.ts';
import { type InboundRule, mergeInbound } from './inbound-rules.ts';
import { matchesHash } from './matches-hash.ts';
import { type MergeOptions, mergeConfs } from './merge-conf.ts';
import { comparePolicies } from './order.ts';
import { confFor, confOf, mergeTo, type OutboundRules, type ToShape } from './outbound-rules.ts';
import type { PolicyHead } from './policy-head.ts';
import type { RouteResolver, SelectableProxy, Selection } from './selection.ts';
import { subsetOf } from './subset.ts';
import { mergeSubsets, type SubsetEntry, type SubsetRule, subsetRuleFor } from './subset-rules.ts';

/** Which lists a policy has and how its confs merge. */
export interface PolicyShape extends ToShape {
  readonly hasTo: boolean;
  readonly hasFrom: boolean;
  readonly hasRules: boolean;
  /** True when `from` is served as `rules` for all traffic: its only kind is Mesh. */
  readonly fromAsRules: boolean;
}

/** A policy that applies to a proxy, and to what of it. */
export interface MatchedPolicy {
  readonly head: PolicyHead;
  readonly selection: Selection;
}

/** The one merged conf of policies that have only a `default`. */
export interface SingleRule<Conf = unknown> {
  readonly conf: Conf;
  readonly origins: readonly PolicyHead[];
}

/** All rules of one policy type for one proxy. */
export interface ProxyRules {
  /** The policies that apply, the weakest first. */
  readonly matched: readonly PolicyHead[];
  /** For destinations that are resources. */
  readonly to: OutboundRules;
  /** For destinations known by a service tag only. */
  readonly toSubsets: readonly SubsetRule[];
  /** By position in the proxy's inbounds. */
  readonly inbounds: readonly InboundRuleSet[];
  /** Rules for inbounds that come from policies for the whole mesh: the same at both ends of a connection. */
  readonly meshWide: readonly InboundRule[];
  /** By position in the listeners of a built-in gateway. */
  readonly listeners: readonly ListenerRules[];
  readonly single: SingleRule | undefined;
  readonly warnings: readonly string[];
}

/** Rules for one listener of a built-in gateway. */
export interface ListenerRules extends InboundRuleSet {
  readonly to: OutboundRules;
  readonly toSubsets: readonly SubsetRule[];
}

/** Key under which rules of `to` know a single route of a service. */
export const routeTag = '__rule-matches-hash__';

/** Merges the policies of one type that apply to a proxy. Pure: equal arguments give equal rules, whose confs are shared. */
export function mergeForProxy(
  shape: PolicyShape,
  matched: readonly MatchedPolicy[],
  proxy: Pick<SelectableProxy, 'inbounds' | 'gateway'>,
  among: Destinations,
  routeOf?: RouteResolver,
): ProxyRules {
  const sorted = matched.toSorted((first, second) => comparePolicies(first.head, second.head));
  const heads = sorted.map((policy) => policy.head);
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const selecting = (list: 'inbounds' | 'listeners', position: number) =>
    sorted.filter((policy) => policy.selection[list].includes(position)).map((policy) => policy.head);
  const listeners = proxy.gateway?.kind === 'builtin' ? proxy.gateway.listeners : [];
  return {
    matched: heads,
    ...mergeOutbound(shape, heads, among, routeOf, warn),
    inbounds: proxy.inbounds.map((_, position) => mergeRuleSet(shape, selecting('inbounds', position), warn)),
    meshWide: mergeInboundLists(
      shape,
      heads.filter((head) => head.targetRef.kind === 'Mesh'),
    ),
    listeners: listeners.map((_, position) => {
      const selected = selecting('listeners', position);
      return { ...mergeRuleSet(shape, selected, warn), ...mergeOutbound(shape, selected, among, routeOf, warn) };
    }),
    single: mergeSingle(shape, heads),
    warnings,
  };
}

type Warn = (message: string) => void;

/** Merges `to`: for resources and, for destinations that are only tags, by tags. */
function mergeOutbound(
  shape: PolicyShape,
  heads: readonly PolicyHead[],
  among: Destinations,
  routeOf: RouteResolver | undefined,
  warn: Warn,
): Pick<ProxyRules, 'to' | 'toSubsets'> {
  if (!shape.hasTo) return { to: new Map(), toSubsets: [] };
  const entries = heads.flatMap((head) => toSubsetEntries(head, shape, routeOf));
  const toSubsets = mergeSubsets(entries, { ...shape.merge, negations: false });
  if (toSubsets === undefined) warn(tooManyParts('to', heads));
  const direct = heads.filter((head) => head.targetRef.kind !== 'MeshHTTPRoute');
  return { to: mergeTo(direct, among, shape), toSubsets: toSubsets ?? [] };
}

// A policy that attaches to a route at the top says it of each of the route's rules, wherever the route goes.
function toSubsetEntries(head: PolicyHead, { toConf }: ToShape, routeOf: RouteResolver | undefined): SubsetEntry[] {
  const entries = (head.spec.to ?? []).map((entry) => ({
    head,
    targetRef: entry.targetRef,
    conf: confOf(entry, toConf),
  }));
  if (head.targetRef.kind !== 'MeshHTTPRoute') return entries;
  const route = routeOf?.(head);
  return (route?.spec.to ?? []).flatMap((routed) => {
    const rules = Array.isArray(routed.rules) ? (routed.rules as readonly { matches?: unknown }[]) : [];
    return rules.flatMap((rule) =>
      entries.map((entry) => ({ ...entry, targetRef: routeRef(routed.targetRef, matchesHash(rule.matches ?? [])) })),
    );
  });
}

function routeRef(destination: SubsetEntry['targetRef'], hash: string): SubsetEntry['targetRef'] {
  const tags = { [routeTag]: hash };
  if (destination.kind === 'Mesh' || destination.kind === 'MeshSubset') return { kind: 'MeshSubset', tags };
  return { kind: 'MeshServiceSubset', name: destination.name ?? '', tags };
}

function mergeRuleSet(shape: PolicyShape, heads: readonly PolicyHead[], warn: Warn): InboundRuleSet {
  const from = shape.hasFrom ? mergeFromSubsets(heads, shape.merge) : [];
  if (from === undefined) warn(tooManyParts('from', heads));
  return {
    rules: mergeInboundLists(shape, heads),
    from: from ?? [],
    fromEntries: from === undefined ? [] : heads.flatMap(fromEntries),
  };
}

function mergeInboundLists(shape: PolicyShape, heads: readonly PolicyHead[]): readonly InboundRule[] {
  return shape.hasRules || shape.fromAsRules ? mergeInbound(heads, shape.fromAsRules) : [];
}

function fromEntries(head: PolicyHead): FromSubset[] {
  return (head.spec.from ?? []).flatMap(({ targetRef, default: conf = {} }) => {
    const subset = subsetOf(targetRef);
    return subset === undefined ? [] : [{ subset, conf }];
  });
}

/** Merges the `from` lists by the clients' tags; undefined when they overlap in too many ways. */
export function mergeFromSubsets(heads: readonly PolicyHead[], merge: MergeOptions): readonly SubsetRule[] | undefined {
  const entries = heads.flatMap((head) =>
    (head.spec.from ?? []).map((entry) => ({ head, targetRef: entry.targetRef, conf: entry.default ?? {} })),
  );
  return mergeSubsets(entries, { ...merge, negations: true });
}

function tooManyParts(list: string, heads: readonly PolicyHead[]): string {
  const names = heads.map((head) => head.name).join(', ');
  return `the tags in '${list}' of ${names} overlap in too many ways, so these lists have no effect: use fewer tags, or 'rules'`;
}

/** Merges policies that have only a `default`; undefined when none of them has one. */
export function mergeSingle(shape: Pick<PolicyShape, 'merge'>, heads: readonly PolicyHead[]): SingleRule | undefined {
  const speaking = heads.filter((head) => head.spec.default !== undefined);
  const [conf] = mergeConfs(
    speaking.map((head) => head.spec.default),
    shape.merge,
  );
  return conf === undefined ? undefined : { conf, origins: speaking };
}

/** A destination of traffic: a resource (one of its ports), or a service of the older kind. */
export type OutboundTarget =
  | { readonly kind: 'resource'; readonly id: DestinationId }
  | { readonly kind: 'service'; readonly service: string };

/** A route: its name, and the policy it comes from when it is not the default route. */
export interface RouteIdentity {
  readonly name: string;
  readonly policy?: DestinationId;
}

/** Conf for the mesh as a whole; undefined when no policy says anything of it. */
export function meshConf(rules: ProxyRules, mesh: string): unknown {
  const id = { type: 'Mesh', mesh: '', zone: '', namespace: '', name: mesh, sectionName: '' };
  return confFor(rules.to, id);
}

/** Conf for a destination, or for one route to it; undefined when no policy says anything. */
export function outboundConf(rules: ProxyRules, target: OutboundTarget, route?: RouteIdentity): unknown {
  if (target.kind === 'resource') return confFor(rules.to, target.id, route?.policy);
  const tags = { [tagNames.service]: target.service };
  const routeRule = route && subsetRuleFor(rules.toSubsets, { ...tags, [routeTag]: route.name });
  return (routeRule ?? subsetRuleFor(rules.toSubsets, tags))?.conf;
}
