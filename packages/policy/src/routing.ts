// Routing: where traffic of a destination goes. Route policies say it in neutral form; the engine resolves the backends and gives
// them back, so that the policy can write its routes.
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { type BackendRef, tagNames } from '@ursa/resources';
import { lookupOrder, type RuleOrigin, ruleFor } from './outbound-rules.ts';
import type { OutboundTarget, ProxyRules } from './proxy-rules.ts';
import { subsetRuleFor } from './subset-rules.ts';

/** Traffic goes to these backends, in shares by their weights. Without backends it goes to the destination it was meant for. */
export interface RoutedTraffic {
  readonly backendRefs: readonly BackendRef[];
  /** Policy and entry that said so: references are resolved in its place. */
  readonly origin: RuleOrigin | undefined;
}

/** One HTTP route of a destination. `Rule` is the route policy's own form of a rule. */
export interface HttpRouteRule<Rule = unknown> extends RoutedTraffic {
  /** Hash of what the rule matches. */
  readonly hash: string;
  readonly rule: Rule;
  /** True when it leaves nothing to other rules and to the default route. */
  readonly everything: boolean;
  /** Backends that get copies of requests, in the order in which the rule names them. */
  readonly mirrorRefs: readonly BackendRef[];
}

/** Share of traffic for a cluster. */
export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

/** A rule whose backends were found. */
export interface ResolvedHttpRule<Rule = unknown> {
  /** Name of its Envoy routes. */
  readonly name: string;
  readonly rule: Rule;
  /** At least one. */
  readonly clusters: readonly WeightedCluster[];
  /** By position in `mirrorRefs`; undefined where the backend was not found. */
  readonly mirrors: readonly (string | undefined)[];
}

/** Tags of what a call is meant for, its service among them. */
export type CalledTags = Readonly<Record<string, string>>;

/** The form that a policy about HTTP had before target references. It holds for destinations of which no route policy of the newer form says anything. */
export interface OlderHttpRouting {
  /** Its resource type. */
  readonly type: string;
  /** Rules of a policy's conf for a call, in the order in which Envoy tries them. */
  readonly rulesOf: (conf: unknown, called: CalledTags) => readonly HttpRouteRule[];
  readonly routesOf: (rules: readonly ResolvedHttpRule[]) => readonly Route[];
}

/** The same for connections. */
export interface OlderTcpRouting {
  readonly type: string;
  /** Where connections go that are meant for `called`. */
  readonly backendsOf: (conf: unknown, called: CalledTags) => readonly BackendRef[];
}

/** What a route policy gives the engine. */
export type Routing =
  | {
      readonly kind: 'http';
      readonly older?: OlderHttpRouting;
      /** Rules of a destination's merged conf. */
      readonly rulesOf: (
        conf: unknown,
        originByMatches: Readonly<Record<string, RuleOrigin>>,
      ) => readonly HttpRouteRule[];
      /** Envoy's routes for the rules, in the order in which Envoy tries them. */
      readonly routesOf: (rules: readonly ResolvedHttpRule[]) => readonly Route[];
    }
  | {
      readonly kind: 'tcp';
      readonly older?: OlderTcpRouting;
      /** Where connections go. */
      readonly trafficOf: (conf: unknown, origins: readonly RuleOrigin[]) => RoutedTraffic;
    };

/** Types of the older forms of route policies, each once. */
export function olderRouteTypes(policies: readonly { readonly routing?: Routing }[]): readonly string[] {
  return [...new Set(policies.flatMap(({ routing }) => routing?.older?.type ?? []))];
}

/** What a route policy's rules say of a destination. */
export interface RoutedConf {
  readonly conf: unknown;
  /** Entries that contributed, the weakest first. */
  readonly origins: readonly RuleOrigin[];
  readonly originByMatches: Readonly<Record<string, RuleOrigin>>;
}

/** The conf of a route policy for a destination; undefined when no policy says anything. */
export function routedConf(rules: ProxyRules, target: OutboundTarget): RoutedConf | undefined {
  if (target.kind === 'resource') {
    const rule = ruleFor(rules.to, lookupOrder(target.id));
    const [conf] = rule?.confs ?? [];
    return rule === undefined || conf === undefined ? undefined : { ...rule, conf };
  }
  const rule = subsetRuleFor(rules.toSubsets, { [tagNames.service]: target.service });
  if (rule === undefined) return undefined;
  return { conf: rule.conf, origins: rule.origins.map((head) => ({ head, ruleIndex: 0 })), originByMatches: {} };
}
