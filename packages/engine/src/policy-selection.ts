// Which policies apply to a proxy. The answer is a class: proxies of one class are subject to the same policies in the same way. Policies for a whole mesh
// are found once for all its sidecars of one standing, and not named by the class: one that comes or goes lets every proxy stay in its class.
import { type Derivation, deepEqual, type Graph } from '@ursa/collections';
import {
  type Destinations,
  type Fit,
  fitOfCaller,
  olderRouteTypes,
  type PolicyHead,
  type ProxyPolicy,
  policyHead,
  proxyBuckets,
  type RouteResolver,
  refersTo,
  type SelectableProxy,
  type Selection,
  type Standing,
  selectBucket,
  selects,
  selectsSidecars,
  wholeMeshBucket,
} from '@ursa/policy';
import { callerTags, type DataplaneFacts } from './dataplane-facts.ts';
import type { EngineInputs } from './engine.ts';
import { type LeftOut, policiesOf } from './held-back.ts';

/** A policy that was selected, and for what of the proxy. */
export type Selected = readonly [key: string, selection: Selection];

/** A policy of an older form that speaks of a caller, and how closely. */
export type Speaking = readonly [key: string, fit: Fit];

/**
 * The policies of a class as text: how many inbounds its proxies have, and by type what applies, {@link Selected} or {@link Speaking}, as a text of its own.
 * '' where there is no proxy.
 */
export type Chosen = string;

/** What is in such a text. */
export type ChosenPolicies = readonly [inboundCount: number, types: readonly (readonly [type: string, of: string])[]];

/** Policies, and the proxies they apply to. */
export interface PolicySelection {
  readonly head: Derivation<readonly [type: string, key: string], PolicyHead | undefined>;
  /** The same; changes only with what selects proxies. */
  readonly selector: Derivation<readonly [type: string, key: string], PolicyHead | undefined>;
  readonly routeOf: RouteResolver;
  /** Text of the class of a proxy; '' where there is none. Does not change with what policies say, nor with policies for a whole mesh. */
  readonly classOf: Derivation<readonly [proxyKey: string, without: LeftOut], string>;
  readonly chosenOf: Derivation<readonly [ofClass: string], Chosen>;
  /** The same for what stands for a proxy. */
  chosenFor(proxy: SelectableProxy, inboundCount: number): Chosen;
}

/** What it is derived from. */
export interface PolicySelectionOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly destinations: Destinations;
  readonly shadow: boolean;
}

/** A policy that may apply. */
interface Candidate {
  readonly type: string;
  readonly key: string;
}

/** By type. */
type SelectedByType = Map<string, Selected[]>;

/** What the text of a class says. `standing`: of a sidecar, to which policies for the whole mesh apply besides. */
type ClassContent = readonly [
  inboundCount: number,
  own: readonly (readonly [type: string, selected: readonly Selected[]])[],
  older: readonly (readonly [type: string, speaking: string])[],
  standing: Standing | null,
  without: LeftOut,
];

// Selection depends on these parts of a head only; a change of the confs must not make every proxy look for its policies again.
function selectsAlike(before: PolicyHead | undefined, after: PolicyHead | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  const relevant = ({ displayName, origin, zone, namespace, role, shadow, targetRef }: PolicyHead) => [
    [displayName, origin, zone, namespace, role, shadow],
    targetRef,
  ];
  return deepEqual(relevant(before), relevant(after));
}

function add(selected: SelectedByType, type: string, policy: Selected): void {
  const ofType = selected.get(type);
  if (ofType === undefined) selected.set(type, [policy]);
  else ofType.push(policy);
}

function byKey([first]: readonly [string, unknown], [second]: readonly [string, unknown]): number {
  return first < second ? -1 : 1;
}

/** Derives it. */
export function derivePolicySelection(options: PolicySelectionOptions): PolicySelection {
  const { graph, inputs, policies, dataplane, destinations, shadow } = options;
  const head = graph.derive('policy', (type: string, key: string) => {
    const resource = inputs.resources(type).get(key);
    return resource && policyHead(resource);
  });
  const selector = graph.derive('policy selector', (type: string, key: string) => head.get(type, key), {
    equals: selectsAlike,
  });
  const indexes = policies.map(({ name: type }) => ({
    type,
    index: inputs.resources(type).index('selected by', (resource) => [selectBucket(policyHead(resource))]),
  }));
  // Most buckets are shared by many proxies: each is looked up once in all types.
  const candidates = graph.derive('policies in a bucket', (bucket: string): readonly Candidate[] =>
    indexes.flatMap(({ type, index }) => index.get(bucket).map((key) => ({ type, key }))),
  );
  // Only policies that attach to a route ask for it.
  const routeOf: RouteResolver = (policy) => {
    const { mesh, targetRef } = policy;
    const routes = destinations.named('MeshHTTPRoute', mesh, targetRef.name ?? '');
    return routes.map(policyHead).find((route) => refersTo(policy, targetRef, route));
  };
  const inForce = ({ type, key }: Candidate, without: readonly string[]): PolicyHead | undefined => {
    const isLeft = without.length > 0 && without.includes(`${type}/${key}`);
    const policy = isLeft ? undefined : selector.get(type, key);
    return policy === undefined || (policy.shadow && !shadow) ? undefined : policy;
  };
  const select = (
    proxy: SelectableProxy,
    buckets: readonly string[],
    without: readonly string[] = [],
  ): SelectedByType => {
    const selected: SelectedByType = new Map();
    for (const candidate of buckets.flatMap((bucket) => candidates.get(bucket))) {
      const policy = inForce(candidate, without);
      const selection = policy && selects(policy, proxy, routeOf);
      if (selection !== undefined) add(selected, candidate.type, [candidate.key, selection]);
    }
    return selected;
  };
  const forSidecars = graph.derive(
    'policies for all sidecars',
    (mesh: string, origin: Standing['origin'], zone: string, namespace: string): readonly Candidate[] =>
      candidates.get(wholeMeshBucket(mesh)).filter((candidate) => {
        const policy = inForce(candidate, []);
        return policy !== undefined && selectsSidecars(policy, { mesh, origin, zone, namespace });
      }),
  );

  const olderOf = olderRouteTypes(policies).map((type) => ({
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
    return JSON.stringify(found.sort(byKey));
  });
  /** By type; types of which no policy speaks of the caller are left out. */
  const olderSpeaking = (facts: DataplaneFacts, without: readonly string[]): ClassContent[2] =>
    olderOf.flatMap(({ type, ofMesh }): [string, string][] => {
      // Most meshes have none, and ask for no tags.
      if (ofMesh.get(facts.mesh).length === 0) return [];
      const all = JSON.parse(speaking.get(type, facts.mesh, JSON.stringify(callerTags(facts)))) as Speaking[];
      const left = all.filter(([key]) => !without.includes(`${type}/${key}`));
      return left.length === 0 ? [] : [[type, JSON.stringify(left)]];
    });

  const textOf = (inboundCount: number, selected: SelectedByType, older: ClassContent[2]): Chosen => {
    const types = policies.flatMap(({ name }): [string, string][] => {
      const ofType = selected.get(name)?.sort(byKey);
      return ofType === undefined ? [] : [[name, JSON.stringify(ofType)]];
    });
    const chosen: ChosenPolicies = [inboundCount, [...types, ...older]];
    return JSON.stringify(chosen);
  };

  return {
    head,
    selector,
    routeOf,
    classOf: graph.derive('selected policies', (proxyKey: string, without: LeftOut): string => {
      const facts = dataplane.get(proxyKey);
      if (facts === undefined) return '';
      const { selectable, inbounds } = facts;
      const { mesh, origin, zone, namespace } = selectable;
      const left = policiesOf(without);
      const isSidecar = selectable.gateway === undefined;
      const wholeMesh = wholeMeshBucket(mesh);
      const buckets = proxyBuckets(selectable).filter((bucket) => !isSidecar || bucket !== wholeMesh);
      const own = [...select(selectable, buckets, left)].map(([type, of]) => [type, of.sort(byKey)] as const);
      const standing = isSidecar && selectable.inbounds.length > 0 ? { mesh, origin, zone, namespace } : null;
      const parts: ClassContent = [inbounds.length, own.sort(byKey), olderSpeaking(facts, left), standing, without];
      return JSON.stringify(parts);
    }),
    chosenOf: graph.derive('policies of a class', (ofClass: string): Chosen => {
      if (ofClass === '') return '';
      const [inboundCount, own, older, standing, without] = JSON.parse(ofClass) as ClassContent;
      const selected: SelectedByType = new Map(own.map(([type, of]) => [type, [...of]]));
      if (standing !== null) {
        const left = policiesOf(without);
        const inbounds = Array.from({ length: inboundCount }, (_, position) => position);
        const { mesh, origin, zone, namespace } = standing;
        for (const { type, key } of forSidecars.get(mesh, origin, zone, namespace)) {
          if (left.includes(`${type}/${key}`)) continue;
          add(selected, type, [key, { inbounds, listeners: [], delegated: false }]);
        }
      }
      return textOf(inboundCount, selected, older);
    }),
    chosenFor: (proxy, inboundCount) => textOf(inboundCount, select(proxy, proxyBuckets(proxy)), []),
  };
}
