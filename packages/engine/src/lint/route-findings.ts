// Findings about routes: backends that are not there, routes that get no traffic, and HTTP routes for what is not HTTP.
import { legacyNames, unifiedNames } from '@ursa/envoy';
import { matchesHash, type ProxyPolicy, routedConf } from '@ursa/policy';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { policiesIn } from '../explain/applied-policies.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { nameOf } from '../explain/find-outbound.ts';
import { describeMatch, routesIn } from '../explain/http-route.ts';
import { routeCovers } from '../explain/route-match.ts';
import type { Outbound } from '../outbounds.ts';
import { isHttp } from '../protocol.ts';
import { callModeOf, hasUnifiedNames } from '../proxy-class.ts';
import { routePolicies } from '../traffic-path.ts';
import { type Finding, finding } from './finding.ts';
import { olderRouteFindings } from './older-route-findings.ts';

/** The findings about all routes of the proxies. */
export function routeFindings(parts: ExplainParts, proxies: readonly DataplaneFacts[]): readonly Finding[] {
  return proxies.flatMap((proxy) => {
    const key = `${proxy.mesh}/${proxy.name}`;
    const connected = parts.inputs.proxies.get(key);
    if (connected === undefined) return [];
    const outbounds = parts.outbounds(key, callModeOf(connected, proxy));
    return outbounds.flatMap((outbound) => [
      ...missingBackends(parts, proxy, outbound),
      ...overriddenRoutes(parts, proxy, outbound),
      ...coveredRoutes(parts, proxy, outbound),
      ...olderRouteFindings(parts, proxy, outbound),
    ]);
  });
}

function missingBackends(parts: ExplainParts, { mesh, name }: DataplaneFacts, { destination }: Outbound): Finding[] {
  const traffic = parts.traffic.get(destination, parts.rules.outboundRules.get(`${mesh}/${name}`));
  return traffic.warnings.map((message) => {
    const named = routing(parts)
      .flatMap((policy) => policiesIn(parts, policy.name, mesh))
      .find((head) => message.startsWith(`${head.type} ${head.displayName}:`));
    return finding('backend-missing', message, 'name a backend that exists in backendRefs', named?.resource, 'spec.to');
  });
}

function routing(parts: ExplainParts): readonly ProxyPolicy[] {
  return parts.policies.filter((policy) => policy.routing !== undefined);
}

function overriddenRoutes(parts: ExplainParts, { mesh, name }: DataplaneFacts, { destination }: Outbound): Finding[] {
  return routing(parts).flatMap((policy) => {
    const rules = parts.rules.ruleSets.get(`${mesh}/${name}`).get(policy.name);
    const routed = rules && routedConf(rules, destination.target);
    if (routed === undefined) return [];
    if (policy.routing?.kind === 'http' && !isHttp(destination.protocol)) {
      const protocol = destination.protocol === 'unknown' ? 'tcp' : destination.protocol;
      return routed.origins.map(({ head, ruleIndex }) =>
        finding(
          'wrong-protocol',
          `${policy.name} ${head.displayName} has no effect on ${nameOf(destination)}: its protocol is ${protocol}, and HTTP routes need http, http2 or grpc`,
          'set kuma.io/protocol: http on the inbounds of the service if it speaks HTTP',
          head.resource,
          `spec.to[${ruleIndex}]`,
        ),
      );
    }
    const taken = new Map<string, (typeof routed.origins)[number]['head']>();
    return routed.origins.toReversed().flatMap(({ head }) =>
      (head.spec.to ?? []).flatMap((entry, index) => {
        const entries = Array.isArray(entry.rules) ? (entry.rules as readonly { readonly matches?: unknown }[]) : [];
        return entries.flatMap(({ matches }, position): Finding[] => {
          const hash = matchesHash(matches);
          const winner = taken.get(hash);
          taken.set(hash, winner ?? head);
          if (winner === undefined || winner.key === head.key) return [];
          return [
            finding(
              'route-overridden',
              `${policy.name} ${head.displayName}: ${winner.displayName} has a route to ${nameOf(destination)} with the same matches and wins, so this rule gets no traffic`,
              `give one of them narrower matches, or change ${winner.displayName}`,
              head.resource,
              `spec.to[${index}].rules[${position}]`,
            ),
          ];
        });
      }),
    );
  });
}

function coveredRoutes(parts: ExplainParts, proxy: DataplaneFacts, outbound: Outbound): Finding[] {
  const key = `${proxy.mesh}/${proxy.name}`;
  const connected = parts.inputs.proxies.get(key);
  const mesh = parts.meshFacts.get(proxy.mesh);
  const { address, port, destination } = outbound;
  const { legacyName, kri } = destination;
  const names = connected && mesh && hasUnifiedNames(connected, mesh) ? unifiedNames : legacyNames;
  const listener = parts.config
    .get(key)
    ?.resources.listener.get(names.outboundListener({ address, port, legacyName, kri }));
  const traffic = parts.traffic.get(destination, parts.rules.outboundRules.get(key));
  const routes = (listener && routesIn(listener)) ?? [];
  return routes.flatMap((route, position): Finding[] => {
    const earlier = routes.slice(0, position).find((candidate) => routeCovers(candidate, route));
    const id = routePolicies(traffic).get(route.name);
    if (earlier === undefined || id === undefined) return [];
    const by = routePolicies(traffic).get(earlier.name);
    return [
      finding(
        'route-unreachable',
        `${id.type} ${id.name}: the route ${describeMatch(route)} to ${nameOf(destination)} gets no traffic, because ${describeMatch(earlier)}${by === undefined ? '' : ` of ${by.name}`} takes it first`,
        'narrow the matches of the earlier route',
        { type: id.type, mesh: id.mesh, name: id.name },
        traffic.older === undefined ? 'spec.to' : 'conf.http',
      ),
    ];
  });
}
