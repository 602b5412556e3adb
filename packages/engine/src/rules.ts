// Which policies apply to a proxy, and the rules they make together. Proxies to which the same policies apply share the merged rules.
import type { Derivation, Graph, Index } from '@ursa/collections';
import { deepEqual } from '@ursa/collections';
import {
  type Destinations,
  type MatchedPolicy,
  mergeForProxy,
  type PolicyHead,
  type ProxyPolicy,
  type ProxyRules,
  policyHead,
  proxyBuckets,
  type Selection,
  selectBuckets,
  selects,
} from '@ursa/policy';
import { displayNameOf, type Resource } from '@ursa/resources';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { EngineInputs } from './engine.ts';

/** Rules of every policy type that has any, by type. Derived: its identity stands for its content. */
export type RuleSets = ReadonlyMap<string, ProxyRules>;

/** A policy that was selected, and for what of the proxy. */
type Selected = readonly [key: string, selection: Selection];

/** Rules by proxy. */
export interface RuleDerivations {
  readonly ruleSets: Derivation<readonly [proxyKey: string], RuleSets>;
  /** Policies of one type that apply to a Dataplane, the weakest first; shadow policies are left out. */
  readonly matched: Derivation<readonly [type: string, proxyKey: string], readonly PolicyHead[]>;
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

/** Derivations of rules. */
export function deriveRules(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>,
): RuleDerivations {
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

  const select = (type: string, facts: DataplaneFacts, buckets: readonly string[]): Selected[] => {
    const keys = new Set(buckets.flatMap((bucket) => indexes.get(type)?.get(bucket) ?? []));
    return [...keys].sort().flatMap((key): Selected[] => {
      const policy = selector.get(type, key);
      const selection = policy === undefined || policy.shadow ? undefined : selects(policy, facts.selectable);
      return selection === undefined ? [] : [[key, selection]];
    });
  };

  // The text names the class of proxies to which the same policies apply in the same way.
  const selected = graph.derive('selected policies', (proxyKey: string): string => {
    const facts = dataplane.get(proxyKey);
    if (facts === undefined) return '';
    const buckets = proxyBuckets(facts.selectable);
    const types = policies.flatMap(({ name }) => {
      const chosen = select(name, facts, buckets);
      return chosen.length === 0 ? [] : [[name, JSON.stringify(chosen)]];
    });
    return JSON.stringify([facts.inbounds.length, types]);
  });

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
    return mergeForProxy(policy.shape, matched, { inbounds }, destinations);
  });

  const ruleSetsOf = graph.derive('rule sets', (classText: string): RuleSets => {
    if (classText === '') return noRules;
    const [inboundCount, types] = JSON.parse(classText) as [number, [string, string][]];
    const entries = types.flatMap(([type, chosen]): [string, ProxyRules][] => {
      const merged = rules.get(type, inboundCount, chosen);
      return merged === undefined ? [] : [[type, merged]];
    });
    return new Map(entries);
  });

  return {
    ruleSets: graph.derive('rule sets of a proxy', (proxyKey: string) => ruleSetsOf.get(selected.get(proxyKey))),
    matched: graph.derive('matched policies', (type: string, proxyKey: string) => {
      return ruleSetsOf.get(selected.get(proxyKey)).get(type)?.matched ?? [];
    }),
  };
}
