// Where the traffic of a destination goes: what route policies say of it, with their backends found.
import type { Derivation, Graph } from '@ursa/collections';
import {
  destinationId,
  type HttpRouteRule,
  type PolicyHead,
  type ProxyPolicy,
  type RoutedTraffic,
  routedConf,
} from '@ursa/policy';
import { type BackendRef, kriOf } from '@ursa/resources';
import { backendLookup, type ServedCheck } from './backend-lookup.ts';
import type { Destination, DestinationDerivations } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import { olderTrafficLookup } from './older-traffic.ts';
import { isHttp } from './protocol.ts';
import type { RuleSets } from './rule-views.ts';
import type { Share, Traffic, TrafficRule } from './traffic-path.ts';

/** Traffic of destinations, under the rules of a class of proxies. */
export type TrafficDerivation = Derivation<readonly [destination: Destination, rules: RuleSets], Traffic>;

const allWeightless =
  'a rule whose backendRefs all have weight 0 does not apply, so its traffic goes where it would without: give one of them a weight';

const direct: Traffic = { kind: 'direct', warnings: [] };

function missing(
  { type, displayName }: PolicyHead,
  { kind, name, namespace, labels, port }: BackendRef,
  effect: 'gets no traffic: correct backendRefs' | 'gets no copies: correct requestMirror.backendRef',
): string {
  const wanted = name ?? `with labels ${JSON.stringify(labels)}`;
  const place = port === undefined ? '' : ` with port ${port}`;
  const within = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  return `${type} ${displayName}: there is no ${kind} ${wanted}${place}${within}, so it ${effect}`;
}

/** Derives traffic. */
export function deriveTraffic(
  graph: Graph,
  inputs: EngineInputs,
  policies: readonly ProxyPolicy[],
  destinations: DestinationDerivations,
  isServed: ServedCheck,
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
  const warningsOf = (routed: readonly (RoutedTraffic & Partial<Pick<HttpRouteRule, 'mirrorRefs'>>)[]): string[] =>
    routed.flatMap(({ backendRefs, mirrorRefs = [], origin }) => {
      if (origin === undefined) return [];
      const { head } = origin;
      const idle = backendRefs.length > 0 && backendRefs.every(({ weight }) => weight === 0);
      return [
        ...backendRefs
          .filter((ref) => backendOf(head, ref) === undefined)
          .map((ref) => missing(head, ref, 'gets no traffic: correct backendRefs')),
        ...mirrorRefs
          .filter((ref) => mirrorOf(head, ref) === undefined)
          .map((ref) => missing(head, ref, 'gets no copies: correct requestMirror.backendRef')),
        ...(idle ? [`${head.type} ${head.displayName}: ${allWeightless}`] : []),
      ];
    });

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

  const olderTraffic = olderTrafficLookup({ graph, policies, isServed, sharesOf });

  return graph.derive('traffic', (destination: Destination, ruleSets: RuleSets): Traffic => {
    const http = isHttp(destination.protocol);
    for (const policy of policies) {
      const rules = policy.routing && ruleSets.get(policy.name);
      const routed = rules && routedConf(rules, destination.target);
      if (policy.routing === undefined || routed === undefined) continue;
      if (policy.routing.kind === 'tcp') {
        const traffic = policy.routing.trafficOf(routed.conf, routed.origins);
        const shares = sharesOf(destination, traffic);
        const warnings = warningsOf([traffic]);
        return shares.length === 0 ? { kind: 'nowhere', warnings } : { kind: 'tcp', shares, warnings };
      }
      if (!http) continue;
      // Rules for services known by their tag do not say which of them is whose; all are of one mesh.
      const [origin] = routed.origins.slice(-1);
      const all = policy.routing
        .rulesOf(routed.conf, routed.originByMatches)
        .map((rule) => ({ ...rule, origin: rule.origin ?? origin }));
      const found = all.flatMap((rule) => httpRule(policy, destination, rule));
      const rest = !all.some((rule) => rule.everything);
      const warnings = warningsOf(all);
      if (found.length === 0 && !rest) return { kind: 'nowhere', warnings };
      return { kind: 'http', routedBy: policy.name, rules: found, direct: rest, warnings };
    }
    return olderTraffic(destination, ruleSets) ?? direct;
  });
}
