// Bodies of `_policies`, for the proxy, one inbound, one outbound or one route, and of `_routes`.
import { type DestinationId, lookupOrder, matchesHash, type OutboundRule, ruleFor } from '@ursa/policy';
import type { Resource, ResourceTypes } from '@ursa/resources';
import type { RulesByType } from './proxy-inspector.ts';
import { formatOrigin } from './resource-meta.ts';

/** Policies with one conf for the whole proxy. */
export function formatProxyPolicies(types: ResourceTypes, rules: RulesByType): unknown {
  const policies = [...rules].flatMap(([kind, { single }]) =>
    single === undefined ? [] : [{ conf: single.conf, kind, origins: originsOf(types, single.origins) }],
  );
  return { policies };
}

/** Policies of one inbound, by its position in the data plane. */
export function formatInboundPolicies(types: ResourceTypes, rules: RulesByType, position: number): unknown {
  const policies = [...rules].flatMap(([kind, { inbounds }]) => {
    const entries = inbounds[position]?.rules ?? [];
    if (entries.length === 0) return [];
    const heads = [...new Set(entries.map(({ origin }) => origin.head))];
    return [
      {
        kind,
        origins: originsOf(types, heads),
        rules: entries.map(({ conf, origin }) => ({ conf, ...formatOrigin(types, origin.head.resource) })),
      },
    ];
  });
  return { policies };
}

/** Policies of one destination, or of one route to it. */
export function formatOutboundPolicies(
  types: ResourceTypes,
  rules: RulesByType,
  destination: DestinationId,
  route?: DestinationId,
): unknown {
  const ids = [...(route === undefined ? [] : [route]), ...lookupOrder(destination)];
  const policies = [...rules].flatMap(([kind, { to }]) => {
    // A route policy says nothing of a route: it is one.
    const isRouteOfRoute = route !== undefined && types.byName(kind)?.routes !== undefined;
    const rule = isRouteOfRoute ? undefined : ruleFor(to, ids);
    return rule === undefined ? [] : [{ conf: rule.confs, kind, origins: originsOfRule(types, rule) }];
  });
  return { policies };
}

/** Routes to one destination. */
export function formatRoutes(types: ResourceTypes, rules: RulesByType, destination: DestinationId): unknown {
  const routes = [...rules].flatMap(([kind, { to }]) => {
    const rule = types.byName(kind)?.routes !== undefined ? ruleFor(to, lookupOrder(destination)) : undefined;
    if (rule === undefined) return [];
    return [
      {
        kind,
        origins: originsOfRule(types, rule),
        rules: rule.confs.flatMap((conf) => formatRoute(types, kind, rule, conf)),
      },
    ];
  });
  return { routes };
}

/** Conf of an HTTP route policy. */
interface HttpRouteConf {
  readonly rules?: readonly { readonly matches?: readonly unknown[]; readonly default?: unknown }[];
}

function formatRoute(types: ResourceTypes, kind: string, rule: OutboundRule, conf: unknown): readonly unknown[] {
  if (types.byName(kind)?.routes === 'tcp') {
    // A TCP route has no matches, and so nothing that would tell which of several policies it is from.
    return [{ conf: (conf as { readonly default?: unknown }).default, kri: '', matches: null }];
  }
  return ((conf as HttpRouteConf).rules ?? []).map(({ matches = [], default: routeConf }) => {
    const origin = rule.originByMatches[matchesHash(matches)];
    const kri = origin === undefined ? '' : formatOrigin(types, origin.head.resource).kri;
    return { conf: routeConf, kri, matches };
  });
}

function originsOf(types: ResourceTypes, heads: readonly { readonly resource: Resource }[]): readonly unknown[] {
  return heads.map(({ resource }) => formatOrigin(types, resource));
}

function originsOfRule(types: ResourceTypes, { origins }: Pick<OutboundRule, 'origins'>): readonly unknown[] {
  return originsOf(
    types,
    origins.map(({ head }) => head),
  );
}
