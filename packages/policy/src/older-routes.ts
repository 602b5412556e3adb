// The older form of policies that say where traffic goes. Of those that speak of a caller, for each service the one that fits caller and service
// most closely holds alone. What comes of it are rules by tags, as of a policy of the newer form.
import { type TagSelector, tagNames } from '@ursa/resources';
import { compareAges, compareFits, type Fit, fitOfCalled } from './older-form.ts';
import type { ClusterPlace } from './place.ts';
import type { PolicyHead } from './policy-head.ts';
import type { ProxyRules } from './proxy-rules.ts';
import type { SubsetRule } from './subset-rules.ts';

/** What an older route says beside where traffic goes: of the clusters that get it. Policies of the newer form say more of them afterwards. */
export interface OlderClusterForm {
  /** The part of a route's conf that this is about; undefined where there is none. */
  readonly confOf: (conf: unknown) => object | undefined;
  readonly apply: (place: ClusterPlace, conf: object) => void;
}

/** A policy that speaks of a caller, and how closely. */
export interface SpeakingPolicy {
  readonly head: PolicyHead;
  readonly fit: Fit;
}

interface OlderRouteSpec {
  readonly destinations?: readonly TagSelector[];
  readonly conf?: unknown;
}

/** Rules of a caller: one for each service that a policy names, and one for all others where a policy speaks of all. Their confs are those of the policies. */
export function mergeOlderRoutes(speaking: readonly SpeakingPolicy[]): ProxyRules {
  const named = speaking.flatMap(({ head }) =>
    destinationsOf(head).flatMap(({ match }) => match?.[tagNames.service] ?? []),
  );
  const services = [...new Set(named)].filter((service) => service !== '*').sort();
  const exact = services.flatMap((service) => {
    const subset = [{ key: tagNames.service, value: service, not: false }];
    return ruleOf(subset, mostSpecificRoute(speaking, service));
  });
  // No tag has this value: what fits it fits every service.
  const others = ruleOf([], mostSpecificRoute(speaking, ''));
  return {
    matched: speaking.map(({ head }) => head),
    to: new Map(),
    toSubsets: [...exact, ...others],
    inbounds: [],
    meshWide: [],
    listeners: [],
    single: undefined,
    warnings: [],
  };
}

function destinationsOf({ resource: { spec } }: PolicyHead): readonly TagSelector[] {
  return (spec as OlderRouteSpec).destinations ?? [];
}

function ruleOf(subset: SubsetRule['subset'], head: PolicyHead | undefined): readonly SubsetRule[] {
  return head === undefined
    ? []
    : [{ subset, conf: (head.resource.spec as OlderRouteSpec).conf ?? {}, origins: [head] }];
}

function mostSpecificRoute(speaking: readonly SpeakingPolicy[], service: string): PolicyHead | undefined {
  const fitting = speaking.flatMap(({ head, fit: [tags, exact] }) => {
    const called = fitOfCalled(head.resource, { [tagNames.service]: service });
    return called === undefined ? [] : [{ head, fit: [tags + called[0], exact + called[1]] as const }];
  });
  return fitting.sort(
    (first, second) => compareFits(second.fit, first.fit) || compareAges(first.head.resource, second.head.resource),
  )[0]?.head;
}
