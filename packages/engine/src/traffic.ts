// Where the traffic of a destination goes: what route policies say of it, with their backends found.
import type { Derivation, Graph } from '@ursa/collections';
import {
  type DestinationId,
  destinationId,
  type HttpRouteRule,
  labelsMatch,
  type PolicyHead,
  type ProxyPolicy,
  provenance,
  type RoutedTraffic,
  refersTo,
  routedConf,
} from '@ursa/policy';
import { type BackendRef, displayNameOf, kriOf, type Resource } from '@ursa/resources';
import type { Destination, DestinationDerivations } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import { isHttp } from './protocol.ts';
import type { RuleSets } from './rules.ts';

/** A destination that gets a share of the traffic. */
export interface Share {
  readonly destination: Destination;
  readonly weight: number;
}

/** A rule of a route policy. */
export interface TrafficRule {
  /** Name of its routes. */
  readonly name: string;
  /** The route policy, as other policies refer to it. */
  readonly policy: DestinationId | undefined;
  readonly rule: unknown;
  /** At least one. */
  readonly shares: readonly Share[];
  /** Destinations of copies; undefined where one was not found. */
  readonly mirrors: readonly (Destination | undefined)[];
}

/** Where traffic goes. */
export type Traffic =
  | { readonly kind: 'direct' }
  /** No backend was found: the destination is not served. */
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'tcp'; readonly shares: readonly Share[] }
  | {
      readonly kind: 'http';
      /** Name of the route policy. */
      readonly routedBy: string;
      readonly rules: readonly TrafficRule[];
      /** True when what no rule takes goes to the destination itself. */
      readonly direct: boolean;
    };

/** Traffic of destinations, under the rules of a class of proxies. */
export type TrafficDerivation = Derivation<readonly [destination: Destination, rules: RuleSets], Traffic>;

const direct: Traffic = { kind: 'direct' };
const nowhere: Traffic = { kind: 'nowhere' };

/** Destinations that a proxy needs a cluster for, each once. */
export function destinationsOf(destination: Destination, traffic: Traffic): readonly Destination[] {
  switch (traffic.kind) {
    case 'direct':
      return [destination];
    case 'nowhere':
      return [];
    case 'tcp': {
      const routed = traffic.shares.map((share) => share.destination);
      // The peers keep the cluster of a destination that could also be served as HTTP.
      return unique(isHttp(destination.protocol) ? [destination, ...routed] : routed);
    }
    case 'http': {
      const routed = traffic.rules.flatMap(({ shares, mirrors }) => [
        ...shares.map((share) => share.destination),
        ...mirrors.flatMap((mirror) => mirror ?? []),
      ]);
      return unique(traffic.direct ? [destination, ...routed] : routed);
    }
  }
}

/** The route policy behind each route, by the route's name. */
export function routePolicies(traffic: Traffic): ReadonlyMap<string, DestinationId> {
  const rules = traffic.kind === 'http' ? traffic.rules : [];
  return new Map(rules.flatMap(({ name, policy }) => (policy === undefined ? [] : [[name, policy]])));
}

function unique(destinations: readonly Destination[]): Destination[] {
  return [...new Set(destinations)];
}

/** True when an inbound has the name as its service tag. */
type IsServed = (mesh: string, service: string) => boolean;

/** Finds the destinations that references of route policies mean. */
function backendLookup(inputs: EngineInputs, destinations: DestinationDerivations, isServed: IsServed) {
  const services = inputs.resources('MeshService');
  const nameIndex = services.index('display name', (resource: Resource) => [
    `${resource.mesh} ${displayNameOf(resource)}`,
  ]);
  const meshIndex = services.index('mesh', (resource: Resource) => [resource.mesh]);

  const serviceKey = (head: PolicyHead, ref: BackendRef): string | undefined => {
    const { mesh } = head;
    if (ref.labels !== undefined) {
      const { labels } = ref;
      return meshIndex.get(mesh).find((key) => labelsMatch(labels, services.get(key)?.labels ?? {}));
    }
    return nameIndex.get(`${mesh} ${ref.name}`).find((key) => {
      const resource = services.get(key);
      return resource !== undefined && refersTo(head, ref, provenance(resource));
    });
  };

  const backendOf = (head: PolicyHead, ref: BackendRef): Destination | undefined => {
    const { kind, name = '', port, tags = {} } = ref;
    if (kind === 'MeshServiceSubset') return destinations.subset.get(head.mesh, name, JSON.stringify(tags));
    if (kind !== 'MeshService') return undefined;
    // Without a port the name is that of a service known by its tag.
    if (port === undefined) return name === '' ? undefined : destinations.service.get(head.mesh, name);
    const key = serviceKey(head, ref);
    return key === undefined ? undefined : destinations.meshService.get(key, port, false);
  };
  // The peers know the destinations of copies by their tag; what has no such tag is found as any backend is.
  const mirrorOf = (head: PolicyHead, ref: BackendRef): Destination | undefined => {
    const { kind, name = '' } = ref;
    const byTag = kind === 'MeshService' && isServed(head.mesh, name);
    return byTag ? destinations.service.get(head.mesh, name) : backendOf(head, ref);
  };
  return { backendOf, mirrorOf };
}

/** Derives traffic. */
export function deriveTraffic(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  destinations: DestinationDerivations,
  isServed: IsServed,
): TrafficDerivation {
  const { backendOf, mirrorOf } = backendLookup(inputs, destinations, isServed);

  const sharesOf = (destination: Destination, { backendRefs, origin }: RoutedTraffic): Share[] => {
    if (backendRefs.length === 0) return [{ destination, weight: 1 }];
    if (origin === undefined) return [];
    return backendRefs.flatMap((ref) => {
      const weight = ref.weight ?? 1;
      const found = weight === 0 ? undefined : backendOf(origin.head, ref);
      return found === undefined ? [] : [{ destination: found, weight }];
    });
  };

  const httpRule = (policy: ProxyPolicy, destination: Destination, rule: HttpRouteRule): TrafficRule[] => {
    const shares = sharesOf(destination, rule);
    if (shares.length === 0) return [];
    const head = rule.origin?.head;
    // Services known by their tag are older than KRIs: there routes are named by what they match.
    const kri = head && destination.kri !== undefined ? kriOf(policy.resourceType, head.resource) : undefined;
    return [
      {
        name: kri ?? rule.hash,
        policy: head && destinationId(head.resource),
        rule: rule.rule,
        shares,
        mirrors: rule.mirrorRefs.map((ref) => head && mirrorOf(head, ref)),
      },
    ];
  };

  return graph.derive('traffic', (destination: Destination, ruleSets: RuleSets): Traffic => {
    const http = isHttp(destination.protocol);
    for (const policy of policies) {
      const rules = policy.routing && ruleSets.get(policy.name);
      const routed = rules && routedConf(rules, destination.target);
      if (policy.routing === undefined || routed === undefined) continue;
      if (policy.routing.kind === 'tcp') {
        const shares = sharesOf(destination, policy.routing.trafficOf(routed.conf, routed.origins));
        return shares.length === 0 ? nowhere : { kind: 'tcp', shares };
      }
      if (!http) continue;
      const all = policy.routing.rulesOf(routed.conf, routed.originByMatches);
      // Rules for services known by their tag do not say which of them is whose; all are of one mesh.
      const [origin] = routed.origins.slice(-1);
      const found = all.flatMap((rule) => httpRule(policy, destination, { ...rule, origin: rule.origin ?? origin }));
      const rest = !all.some((rule) => rule.everything);
      return found.length === 0 && !rest
        ? nowhere
        : { kind: 'http', routedBy: policy.name, rules: found, direct: rest };
    }
    return direct;
  });
}
