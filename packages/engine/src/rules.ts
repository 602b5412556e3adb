// Which policies apply to a proxy, and the rules they make together. Proxies to which the same policies apply share the merged rules.
import { createInterner, type Derivation, deepEqual, type Graph, type Index, type Interner } from '@ursa/collections';
import {
  type Destinations,
  type Fit,
  fitOfCaller,
  type MatchedPolicy,
  mergeForProxy,
  mergeOlderRoutes,
  olderRouteTypes,
  type PolicyHead,
  type ProxyPolicy,
  type ProxyRules,
  policyHead,
  proxyBuckets,
  type RouteResolver,
  type RuleOrigin,
  refersTo,
  type SelectableProxy,
  type Selection,
  selectBuckets,
  selects,
} from '@ursa/policy';
import { displayNameOf, type Resource } from '@ursa/resources';
import { callerTags, type DataplaneFacts } from './dataplane-facts.ts';
import type { EngineInputs } from './engine.ts';
import { proxyOfGateway } from './gateway-proxy.ts';
import { type LeftOut, policiesOf } from './held-back.ts';
import { proxyOfExternalService, proxyOfMesh } from './outside/outside-proxy.ts';

/** Rules of every policy type that has any, by type. Derived: its identity stands for its content. */
export type RuleSets = ReadonlyMap<string, ProxyRules>;

/** A policy that was selected, and for what of the proxy. */
type Selected = readonly [key: string, selection: Selection];

/** A policy of an older form that speaks of a caller, and how closely. */
type Speaking = readonly [key: string, fit: Fit];

/** A policy that may apply. */
interface Candidate {
  readonly type: string;
  readonly key: string;
}

/** Rules of a proxy. `without`: policies that are left out of its configuration. */
export type RulesOfProxy = Pick<Derivation<readonly [proxyKey: string, without: LeftOut], RuleSets>, 'get'>;

/** Rules by proxy. Those of a class are read where they are: a policy for all proxies is worked out for the classes, and for a proxy only where it changes something. */
export interface RuleDerivations {
  readonly ruleSets: RulesOfProxy;
  /** Text of the class of proxies to which the same policies apply in the same way. Does not change with what the policies say. */
  readonly classOf: Derivation<readonly [proxyKey: string, without: LeftOut], string>;
  readonly ofClass: Derivation<readonly [ofClass: string], RuleSets>;
  /** The same rules; changes only with what they say of traffic that the proxy receives. */
  readonly inboundRules: RulesOfProxy;
  /** The same rules; changes only with the confs of policies that give proxies something besides what their traffic needs. */
  readonly additionRules: RulesOfProxy;
  /** True when the mesh has a policy for which callers announce their tags. */
  readonly needsClientTags: Derivation<readonly [mesh: string], boolean>;
  /** The same rules; changes only with what they say of traffic that the proxy sends. */
  readonly outboundRules: RulesOfProxy;
  /** Rules of a MeshGateway by its key, for all its listeners together. */
  readonly ofGateway: Derivation<readonly [key: string], RuleSets>;
  /** What holds on a zone egress for an ExternalService, by its key: as for an inbound with the service's tags. */
  readonly ofExternalService: Derivation<readonly [key: string], RuleSets>;
  /** What policies for a whole mesh say, as it holds on a zone egress. */
  readonly ofMesh: Derivation<readonly [mesh: string], RuleSets>;
  /** Keys of the Dataplanes that a policy applies to, sorted; also those of proxies that are not connected. */
  readonly affected: Derivation<readonly [type: string, mesh: string, name: string], readonly string[]>;
}

const noRules: RuleSets = new Map();

// Selection depends on these parts of a head only; a change of the confs must not make every proxy look for its policies again.
function selectsAlike(before: PolicyHead | undefined, after: PolicyHead | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  const relevant = ({ displayName, origin, zone, namespace, role, shadow, targetRef }: PolicyHead) => [
    [displayName, origin, zone, namespace, role, shadow],
    targetRef,
  ];
  return deepEqual(relevant(before), relevant(after));
}

// Rules name destinations by labels and spec; the status of a service changes often and means nothing to them.
function namesAlike(before: Resource | undefined, after: Resource | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return deepEqual([before.labels, before.spec], [after.labels, after.spec]);
}

const originText = ({ head, ruleIndex }: RuleOrigin) => [head.key, head.labels, ruleIndex];
const keysOf = (heads: readonly PolicyHead[]) => heads.map((head) => head.key);

/** Types of the policies that shape all traffic with one conf; with `redirected`, also those for traffic to unknown destinations. */
export function typesForTraffic(policies: readonly ProxyPolicy[], redirected: boolean): ReadonlySet<string> {
  const shapes = ({ hooks }: ProxyPolicy) =>
    hooks.traffic !== undefined || (redirected && hooks.redirected !== undefined);
  return new Set(policies.filter(shapes).map(({ name }) => name));
}

/** All that proxies get besides what their traffic needs is built from, as text. */
function additionContent(ruleSets: RuleSets, policies: readonly ProxyPolicy[]): string {
  const sets = policies.flatMap(({ name, hooks }) => {
    const conf = hooks.proxy === undefined ? undefined : ruleSets.get(name)?.single?.conf;
    return conf === undefined ? [] : [[name, conf]];
  });
  return JSON.stringify(sets);
}

/** All that inbounds are built from, as text. */
function inboundContent(ruleSets: RuleSets, forTraffic: ReadonlySet<string>): string {
  const sets = [...ruleSets].map(([type, { inbounds, single }]) => [
    type,
    forTraffic.has(type) ? single?.conf : undefined,
    inbounds.map(({ rules, from, fromEntries }) => [
      rules.map((rule) => [rule.match, rule.conf, originText(rule.origin)]),
      from.map((rule) => [rule.subset, rule.conf, keysOf(rule.origins)]),
      fromEntries,
    ]),
  ]);
  return JSON.stringify(sets);
}

/** Types of the policies that shape clusters with rules for inbounds. */
export function typesForCallers(policies: readonly ProxyPolicy[]): ReadonlySet<string> {
  return new Set(policies.flatMap(({ name, hooks }) => (hooks.caller === undefined ? [] : [name])));
}

/** All that outbounds are built from, as text. */
export function outboundContent(
  ruleSets: RuleSets,
  forTraffic: ReadonlySet<string>,
  forCallers: ReadonlySet<string>,
): string {
  const sets = [...ruleSets].map(([type, { to, toSubsets, single, meshWide }]) => [
    type,
    forTraffic.has(type) ? single?.conf : undefined,
    forCallers.has(type) ? meshWide.map(({ match, conf }) => [match, conf]) : undefined,
    [...to].map(([key, { confs, origins, originByMatches }]) => [
      key,
      confs,
      origins.map(originText),
      Object.entries(originByMatches).map(([hash, origin]) => [hash, originText(origin)]),
    ]),
    toSubsets.map(({ subset, conf, origins }) => [subset, conf, origins.map(({ key, labels }) => [key, labels])]),
  ]);
  return JSON.stringify(sets);
}

/** Looks destinations of `to` entries up through tracked indexes. */
function trackedDestinations(graph: Graph, inputs: EngineInputs): Destinations {
  const named = graph.derive('destination', (kind: string, key: string) => inputs.resources(kind).get(key), {
    equals: namesAlike,
  });
  const found = (kind: string, index: Index, bucket: string): readonly Resource[] =>
    index.get(bucket).flatMap((key) => named.get(kind, key) ?? []);
  return {
    mesh: (name) => named.get('Mesh', `/${name}`),
    named(kind, mesh, displayName) {
      const index = inputs
        .resources(kind)
        .index('display name', (resource) => [`${resource.mesh} ${displayNameOf(resource)}`]);
      return found(kind, index, `${mesh} ${displayName}`);
    },
    labelled(kind, mesh, labels) {
      const index = inputs
        .resources(kind)
        .index('label', (resource) =>
          Object.entries(resource.labels).map(([label, value]) => `${resource.mesh} ${label}=${value}`),
        );
      const [first] = Object.entries(labels);
      if (first === undefined) return [];
      return found(kind, index, `${mesh} ${first[0]}=${first[1]}`).filter((resource) =>
        Object.entries(labels).every(([label, value]) => resource.labels[label] === value),
      );
    },
  };
}

/** What rules are derived from. */
export interface RuleOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly views: RuleViews;
  readonly shadow: boolean;
}

/** Rules that come to the same for one direction are one object: what is built for that direction is built once. */
export interface RuleViews {
  readonly inbound: RuleView;
  readonly outbound: RuleView;
  readonly additions: RuleView;
}

type RuleView = Pick<Interner, 'find' | 'share'>;

/** Views of an engine. One that only asks "what if" uses what the engine it is over (`base`) has, and leaves nothing behind in it. */
export function createRuleViews(base?: RuleViews): RuleViews {
  return {
    inbound: viewOver(base?.inbound),
    outbound: viewOver(base?.outbound),
    additions: viewOver(base?.additions),
  };
}

function viewOver(base: RuleView | undefined): RuleView {
  const own = createInterner();
  if (base === undefined) return own;
  return {
    find: (text) => base.find(text) ?? own.find(text),
    share: <Value extends object>(text: string, value: Value) =>
      (base.find(text) as Value | undefined) ?? own.share(text, value),
  };
}

/** Derivations of rules. */
export function deriveRules({ graph, inputs, policies, dataplane, views, shadow }: RuleOptions): RuleDerivations {
  const destinations = trackedDestinations(graph, inputs);
  const head = graph.derive('policy', (type: string, key: string) => {
    const resource = inputs.resources(type).get(key);
    return resource && policyHead(resource);
  });
  const selector = graph.derive('policy selector', (type: string, key: string) => head.get(type, key), {
    equals: selectsAlike,
  });
  const indexes = new Map(
    policies.map(({ name }) => [
      name,
      inputs.resources(name).index('selected by', (resource) => selectBuckets(policyHead(resource))),
    ]),
  );

  const clientTagPolicies = policies
    .filter((policy) => policy.needsClientTags === true)
    .map(({ name }) => ({ name, ofMesh: inputs.resources(name).index('mesh', (resource) => [resource.mesh]) }));

  const dataplanesOf = inputs.resources('Dataplane').index('mesh', (resource) => [resource.mesh]);

  // Most buckets are shared by many proxies: each is looked up once in all types.
  const candidates = graph.derive('policies in a bucket', (bucket: string): readonly Candidate[] =>
    policies.flatMap(({ name }) => (indexes.get(name)?.get(bucket) ?? []).map((key) => ({ type: name, key }))),
  );
  // Only policies that attach to a route ask for it.
  const routeOf: RouteResolver = (policy) => {
    const { mesh, targetRef } = policy;
    const routes = destinations.named('MeshHTTPRoute', mesh, targetRef.name ?? '');
    return routes.map(policyHead).find((route) => refersTo(policy, targetRef, route));
  };
  const select = (proxy: SelectableProxy, without: readonly string[]): Map<string, Selected[]> => {
    const chosen = new Map<string, Selected[]>();
    const seen = new Set<string>();
    for (const { type, key } of proxyBuckets(proxy).flatMap((bucket) => candidates.get(bucket))) {
      if (seen.has(`${type} ${key}`)) continue;
      seen.add(`${type} ${key}`);
      const policy = without.includes(`${type}/${key}`) ? undefined : selector.get(type, key);
      const selection =
        policy === undefined || (policy.shadow && !shadow) ? undefined : selects(policy, proxy, routeOf);
      if (selection !== undefined) chosen.set(type, [...(chosen.get(type) ?? []), [key, selection]]);
    }
    return chosen;
  };

  const olderTypes = olderRouteTypes(policies);
  const olderOf = olderTypes.map((type) => ({
    type,
    ofMesh: inputs.resources(type).index('mesh', (resource) => [resource.mesh]),
  }));
  const speaking = graph.derive('routes of an older form', (type: string, mesh: string, caller: string): string => {
    const tags = JSON.parse(caller) as readonly Readonly<Record<string, string>>[];
    const keys = olderOf.find((older) => older.type === type)?.ofMesh.get(mesh) ?? [];
    const found = keys.flatMap((key): Speaking[] => {
      const policy = inputs.resources(type).get(key);
      const fit = policy && fitOfCaller(policy, tags);
      return fit === undefined ? [] : [[key, fit]];
    });
    return JSON.stringify(found.sort(([first], [second]) => (first < second ? -1 : 1)));
  });
  /** By type; types of which no policy speaks of the caller are left out. */
  const olderSpeaking = (facts: DataplaneFacts, without: readonly string[]) =>
    olderOf.flatMap(({ type, ofMesh }): [string, string][] => {
      // Most meshes have none, and ask for no tags.
      if (ofMesh.get(facts.mesh).length === 0) return [];
      const all = JSON.parse(speaking.get(type, facts.mesh, JSON.stringify(callerTags(facts)))) as Speaking[];
      const left = all.filter(([key]) => !without.includes(`${type}/${key}`));
      return left.length === 0 ? [] : [[type, JSON.stringify(left)]];
    });

  // The text names the class of proxies to which the same policies apply in the same way.
  const classText = (
    chosen: ReadonlyMap<string, Selected[]>,
    inboundCount: number,
    older: readonly (readonly [string, string])[] = [],
  ): string => {
    const types = policies.flatMap(({ name }) => {
      const ofType = chosen.get(name)?.sort(([first], [second]) => (first < second ? -1 : 1));
      return ofType === undefined ? [] : [[name, JSON.stringify(ofType)]];
    });
    return JSON.stringify([inboundCount, [...types, ...older]]);
  };

  const selected = graph.derive('selected policies', (proxyKey: string, without: LeftOut): string => {
    const facts = dataplane.get(proxyKey);
    if (facts === undefined) return '';
    const left = policiesOf(without);
    return classText(select(facts.selectable, left), facts.inbounds.length, olderSpeaking(facts, left));
  });
  const olderRules = graph.derive(
    'rules of an older form',
    (type: string, chosen: string): ProxyRules =>
      mergeOlderRoutes(
        (JSON.parse(chosen) as Speaking[]).flatMap(([key, fit]) => {
          const found = head.get(type, key);
          return found === undefined ? [] : [{ head: found, fit }];
        }),
      ),
  );

  const rules = graph.derive('rules', (type: string, inboundCount: number, chosen: string): ProxyRules | undefined => {
    const policy = policies.find((candidate) => candidate.name === type);
    const matched = (JSON.parse(chosen) as Selected[]).flatMap(([key, selection]): MatchedPolicy[] => {
      const found = head.get(type, key);
      return found === undefined ? [] : [{ head: found, selection }];
    });
    if (policy === undefined) return undefined;
    const inbounds = Array.from({ length: inboundCount }, (_, position) => ({
      address: '',
      port: position,
      name: '',
      tags: {},
    }));
    return mergeForProxy(policy.shape, matched, { inbounds }, destinations, routeOf);
  });

  const ruleSetsOf = graph.derive('rule sets', (ofClass: string): RuleSets => {
    if (ofClass === '') return noRules;
    const [inboundCount, types] = JSON.parse(ofClass) as [number, [string, string][]];
    const entries = types.flatMap(([type, chosen]): [string, ProxyRules][] => {
      const merged = olderTypes.includes(type) ? olderRules.get(type, chosen) : rules.get(type, inboundCount, chosen);
      return merged === undefined ? [] : [[type, merged]];
    });
    return new Map(entries);
  });

  // Two classes of proxies whose policies come to the same for one direction share everything built for that direction.
  const receiving = typesForTraffic(policies, false);
  const sending = typesForTraffic(policies, true);
  const forCallers = typesForCallers(policies);
  const inboundRulesOf = graph.derive(
    'inbound rules',
    (ofClass: string) => {
      const ruleSets = ruleSetsOf.get(ofClass);
      return views.inbound.share(inboundContent(ruleSets, receiving), ruleSets);
    },
    { equals: Object.is },
  );
  const outboundRulesOf = graph.derive(
    'outbound rules',
    (ofClass: string) => {
      const ruleSets = ruleSetsOf.get(ofClass);
      return views.outbound.share(outboundContent(ruleSets, sending, forCallers), ruleSets);
    },
    { equals: Object.is },
  );
  const additionRulesOf = graph.derive(
    'rules for additions',
    (ofClass: string) => {
      const ruleSets = ruleSetsOf.get(ofClass);
      return views.additions.share(additionContent(ruleSets, policies), ruleSets);
    },
    { equals: Object.is },
  );
  const byProxy = (of: Derivation<readonly [ofClass: string], RuleSets>): RulesOfProxy => ({
    get: (proxyKey, without) => of.get(selected.get(proxyKey, without)),
  });

  return {
    ruleSets: byProxy(ruleSetsOf),
    classOf: selected,
    ofClass: ruleSetsOf,
    inboundRules: byProxy(inboundRulesOf),
    additionRules: byProxy(additionRulesOf),
    outboundRules: byProxy(outboundRulesOf),
    needsClientTags: graph.derive('client tags needed', (mesh: string) =>
      // Shadow policies count: callers that tell their tags already are understood at once when the policy comes into force.
      clientTagPolicies.some(({ name, ofMesh }) =>
        ofMesh.get(mesh).some((key) => selector.get(name, key) !== undefined),
      ),
    ),
    ofGateway: graph.derive('rules of a MeshGateway', (key: string) => {
      const gateway = inputs.resources('MeshGateway').get(key);
      return gateway === undefined ? noRules : ruleSetsOf.get(classText(select(proxyOfGateway(gateway), []), 0));
    }),
    ofExternalService: graph.derive('rules of an ExternalService', (key: string) => {
      const service = inputs.resources('ExternalService').get(key);
      if (service === undefined) return noRules;
      return ruleSetsOf.get(classText(select(proxyOfExternalService(service, inputs.settings.zone), []), 1));
    }),
    ofMesh: graph.derive('rules of a mesh', (mesh: string) =>
      ruleSetsOf.get(classText(select(proxyOfMesh(mesh, inputs.settings.zone), []), 1)),
    ),
    affected: graph.derive('affected Dataplanes', (type: string, mesh: string, name: string) => {
      const policy = selector.get(type, `${mesh}/${name}`);
      if (policy === undefined) return [];
      return dataplanesOf.get(mesh).filter((key) => {
        const facts = dataplane.get(key);
        return facts !== undefined && selects(policy, facts.selectable, routeOf) !== undefined;
      });
    }),
  };
}
