// The body of `_rules`: the merged rules of a data plane, policy type by policy type.

import type { DataplaneFacts } from '@ursa/engine';
import { matchesHash, type OutboundRule, type ProxyRules, type RuleOrigin, type SubsetRule } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import type { RulesByType } from './proxy-inspector.ts';
import { formatMeta } from './resource-meta.ts';

/** What of a proxy the rules stand at. */
type Inbounds = Pick<DataplaneFacts, 'inbounds' | 'gateway'>;

/** The rules of a data plane, or of a MeshGateway, as JSON. `exclusive`: destinations are resources only, so rules by tags mean nothing and are left out. */
export function formatRules(
  subject: Resource,
  facts: Inbounds,
  rules: RulesByType,
  exclusive: boolean,
): Record<string, unknown> {
  return {
    httpMatches: formatMatches(rules.get('MeshHTTPRoute')),
    resource: formatMeta(subject),
    rules: [...rules].flatMap(([type, merged]) => formatType(type, merged, facts, exclusive)),
  };
}

function formatType(type: string, rules: ProxyRules, facts: Inbounds, exclusive: boolean): readonly unknown[] {
  const fromRules = byInbound(facts, (position) => rules.inbounds[position]?.from.map(formatSubsetRule) ?? []);
  const inboundRules = byInbound(facts, (position) => rules.inbounds[position]?.rules.map(formatInboundRule) ?? []);
  const toResourceRules = [...rules.to.values()].map(formatOutboundRule).sort(byResourceName);
  const toRules = exclusive ? [] : rules.toSubsets.map(formatSubsetRule);
  const { single, warnings } = rules;
  const parts = [fromRules, inboundRules, toResourceRules, toRules, warnings];
  if (single === undefined && parts.every((part) => part.length === 0)) return [];
  return [
    {
      fromRules,
      inboundRules,
      ...(single === undefined
        ? {}
        : { proxyRule: { conf: single.conf, origin: single.origins.map(({ resource }) => formatMeta(resource)) } }),
      toResourceRules: toResourceRules.map(({ view }) => view),
      toRules,
      type,
      warnings,
    },
  ];
}

/** Entries for inbounds that have rules, in order of their ports. */
function byInbound(facts: Inbounds, rulesAt: (position: number) => readonly unknown[]): readonly unknown[] {
  return facts.inbounds
    .map((inbound, position) => ({ inbound, rules: rulesAt(position) }))
    .filter(({ rules }) => rules.length > 0)
    .sort((one, other) => one.inbound.port - other.inbound.port)
    .map(({ inbound: { name, port, tags }, rules }) => ({
      inbound: { ...(name === '' ? {} : { name }), port, tags: facts.gateway?.tags ?? tags },
      rules,
    }));
}

function formatSubsetRule({ subset, conf, origins }: SubsetRule): unknown {
  return {
    conf,
    matchers: subset.map(({ key, not, value }) => ({ key, not, value })),
    origin: origins.map(({ resource }) => formatMeta(resource)),
  };
}

function formatInboundRule(rule: ProxyRules['inbounds'][number]['rules'][number]): unknown {
  return {
    conf: [rule.conf],
    ...(rule.match === undefined ? {} : { match: rule.match }),
    origin: [formatRuleOrigin(rule.origin)],
  };
}

interface NamedView {
  readonly name: string;
  readonly view: unknown;
}

function formatOutboundRule({ destination, confs, origins }: OutboundRule): NamedView {
  const { resource, sectionName } = destination;
  // A mesh is named by itself alone: what its labels say of it is not part of its name.
  const named = resource.type === 'Mesh' ? { ...resource, labels: {} } : resource;
  const view = {
    conf: confs,
    origin: origins.map(formatRuleOrigin),
    resourceMeta: formatMeta(named),
    resourceSectionName: sectionName,
  };
  return { name: resource.name, view };
}

function byResourceName(one: NamedView, other: NamedView): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

function formatRuleOrigin({ head, ruleIndex }: RuleOrigin): unknown {
  return { resourceMeta: formatMeta(head.resource), ruleIndex };
}

interface RouteConf {
  readonly rules?: readonly { readonly matches?: unknown }[];
}

/** Matches of routes, by the hash that rules call them by. */
function formatMatches(routes: ProxyRules | undefined): readonly unknown[] {
  if (routes === undefined) return [];
  const confs = [...routes.toSubsets.map(({ conf }) => conf), ...[...routes.to.values()].flatMap(({ confs }) => confs)];
  const byHash = new Map<string, unknown>();
  for (const { rules = [] } of confs as readonly RouteConf[]) {
    for (const { matches = [] } of rules) byHash.set(matchesHash(matches), matches);
  }
  return [...byHash].sort(([one], [other]) => (one < other ? -1 : 1)).map(([hash, match]) => ({ hash, match }));
}
