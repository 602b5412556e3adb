// Where traffic goes as a policy of an older form says it: asked where no route policy of the newer form speaks of the destination.
import type { Graph } from '@ursa/collections';
import type { Protocol } from '@ursa/envoy';
import {
  type CalledTags,
  destinationId,
  type OlderHttpRouting,
  type OlderTcpRouting,
  type ProxyPolicy,
  type RoutedTraffic,
  type RuleOrigin,
  routedConf,
} from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { ServedCheck } from './backend-lookup.ts';
import type { Destination } from './destinations.ts';
import { commonProtocol, isHttp } from './protocol.ts';
import type { RuleSets } from './rule-views.ts';
import type { OlderDecision, Share, Traffic, TrafficRule } from './traffic-path.ts';

/** What the look-up is made of. */
export interface OlderTrafficParts {
  readonly graph: Graph;
  readonly policies: readonly ProxyPolicy[];
  readonly isServed: ServedCheck;
  /** Finds the backends of a rule. */
  readonly sharesOf: (destination: Destination, routed: RoutedTraffic) => readonly Share[];
}

/** A policy of an older form that holds for a destination. */
interface Held {
  readonly origin: RuleOrigin;
  readonly conf: unknown;
}

/** Looks up traffic; undefined where no policy of an older form speaks of the destination. */
export function olderTrafficLookup({
  graph,
  policies,
  isServed,
  sharesOf,
}: OlderTrafficParts): (destination: Destination, rules: RuleSets) => Traffic | undefined {
  const served = graph.derive('service is served', isServed);

  // Instances come and go: a listener must not stop to speak HTTP because those who get a share of its requests are away.
  const protocolOf = (destination: Destination, shares: readonly Share[]): Protocol => {
    const known = shares
      .map((share) => share.destination)
      .filter(
        ({ mesh, target, outside }) =>
          outside !== undefined || (target.kind === 'service' && served.get(mesh, target.service)),
      );
    return known.length === 0 ? destination.protocol : commonProtocol(known.map(({ protocol }) => protocol));
  };
  const found = (destination: Destination, held: Held, rule: RoutedTraffic): readonly Share[] =>
    sharesOf(destination, { ...rule, origin: held.origin }).map((share) =>
      share.destination.legacyName === destination.legacyName ? { ...share, destination } : share,
    );
  const decision = (destination: Destination, { origin, conf }: Held, shares: readonly Share[]): OlderDecision => ({
    head: origin.head,
    conf,
    protocol: protocolOf(destination, shares),
  });

  const httpTraffic = (
    policy: ProxyPolicy,
    form: OlderHttpRouting,
    destination: Destination,
    held: Held,
  ): Traffic | undefined => {
    const { resource, displayName } = held.origin.head;
    const all = form.rulesOf(held.conf, calledTags(destination));
    const rules = all.flatMap((rule): (TrafficRule & { readonly everything: boolean })[] => {
      const shares = found(destination, held, rule);
      if (shares.length === 0) return [];
      const { rule: said, everything } = rule;
      return [{ name: displayName, policy: destinationId(resource), rule: said, shares, mirrors: [], everything }];
    });
    const common = decision(
      destination,
      held,
      rules.flatMap(({ shares }) => shares),
    );
    // Rules for requests were written for what is called: a target whose protocol nobody has said, or another one, gets the requests that they give it.
    const saysOfRequests = all.some((rule) => !rule.everything) && isHttp(destination.protocol);
    const older = isHttp(common.protocol) || !saysOfRequests ? common : { ...common, protocol: destination.protocol };
    if (!isHttp(older.protocol)) return undefined;
    const [first, ...others] = rules;
    if (first === undefined) return { kind: 'nowhere', warnings: [], older };
    if (others.length === 0 && first.everything && goesTo(destination, first.shares)) {
      return { kind: 'direct', warnings: [], older };
    }
    const rest = !all.some(({ everything }) => everything);
    return { kind: 'http', routedBy: policy.name, rules, direct: rest, warnings: [], older };
  };
  const tcpTraffic = (form: OlderTcpRouting, destination: Destination, held: Held): Traffic => {
    const backendRefs = form.backendsOf(held.conf, calledTags(destination));
    const shares = found(destination, held, { backendRefs, origin: held.origin });
    const older = decision(destination, held, shares);
    if (shares.length === 0) return { kind: 'nowhere', warnings: [], older };
    if (goesTo(destination, shares)) return { kind: 'direct', warnings: [], older };
    return { kind: 'tcp', shares, warnings: [], older };
  };

  return (destination, ruleSets) => {
    for (const policy of policies) {
      const { routing } = policy;
      const rules = routing?.older && ruleSets.get(routing.older.type);
      const routed = rules && routedConf(rules, destination.target);
      const [origin] = routed?.origins ?? [];
      if (routing === undefined || routed === undefined || origin === undefined) continue;
      const held = { origin, conf: routed.conf };
      if (routing.kind === 'tcp' && routing.older !== undefined) return tcpTraffic(routing.older, destination, held);
      if (routing.kind === 'tcp' || routing.older === undefined) continue;
      const traffic = httpTraffic(policy, routing.older, destination, held);
      if (traffic !== undefined) return traffic;
    }
    return undefined;
  };
}

/** True when all of it goes where it would without the policy. */
function goesTo(destination: Destination, shares: readonly Share[]): boolean {
  return shares.every((share) => share.destination === destination);
}

function calledTags({ target, source }: Destination): CalledTags {
  const service = target.kind === 'service' ? target.service : target.id.name;
  return { ...(source.kind === 'service' ? source.tags : {}), [tagNames.service]: service };
}
