// Routing: where traffic of a destination goes, in neutral form. Route policies say it; the engine resolves the backends and builds
// the skeleton from it.
import type { BackendRef } from '@ursa/resources';
import type { RuleOrigin } from './outbound-rules.ts';

/** Traffic that matches goes to these backends. Without backends it goes to the destination it was meant for. */
export interface RoutedTraffic {
  readonly backendRefs: readonly BackendRef[];
  /** Policy and entry that said so: references are resolved in its place. Undefined for the default route. */
  readonly origin: RuleOrigin | undefined;
}

/** One HTTP route of a destination. `Rule` is the route policy's own form of a rule. */
export interface HttpRouteRule<Rule = unknown> extends RoutedTraffic {
  /** Hash of what the rule matches. */
  readonly hash: string;
  readonly rule: Rule;
}

/** What a route policy gives the engine. */
export type Routing =
  | {
      readonly kind: 'http';
      /** Rules of a destination's merged conf. */
      readonly rulesOf: (
        conf: unknown,
        originByMatches: Readonly<Record<string, RuleOrigin>>,
      ) => readonly HttpRouteRule[];
    }
  | {
      readonly kind: 'tcp';
      /** Where connections go. */
      readonly trafficOf: (conf: unknown, origins: readonly RuleOrigin[]) => RoutedTraffic;
    };
