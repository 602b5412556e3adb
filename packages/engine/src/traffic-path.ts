// What is known of where traffic goes, once the backends of routes are found.
import type { Protocol } from '@ursa/envoy';
import type { DestinationId, PolicyHead } from '@ursa/policy';
import type { Destination } from './destinations.ts';
import { isHttp } from './protocol.ts';

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

/** Where traffic goes. `warnings` name the backends that were not found. */
export type Traffic = { readonly warnings: readonly string[]; readonly older?: OlderDecision } & TrafficPath;

/** Said where a policy of an older form decides. */
export interface OlderDecision {
  readonly head: PolicyHead;
  /** What the policy says. */
  readonly conf: unknown;
  /** What those who get the traffic speak. */
  readonly protocol: Protocol;
}

type TrafficPath =
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

/** What a proxy speaks with those who call a destination. */
export function spokenProtocol(destination: Destination, { older }: Traffic): Protocol {
  return older?.protocol ?? destination.protocol;
}

/** Destinations that a proxy needs a cluster for, each once. */
export function destinationsOf(destination: Destination, traffic: Traffic): readonly Destination[] {
  switch (traffic.kind) {
    case 'direct':
      return [destination];
    case 'nowhere':
      return [];
    case 'tcp': {
      const routed = traffic.shares.map((share) => share.destination);
      if (traffic.older !== undefined) return unique(routed);
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
