// Findings about confs that cannot act: on a protocol they are not for, or because stronger policies override all they say.
import type { Protocol } from '@ursa/envoy';
import { confFields, idleFields, keptFields, type ProxyPolicy, whyStronger } from '@ursa/policy';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { inboundMerge, type Merged, outboundMerge } from '../explain/applied-policies.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { nameOf } from '../explain/find-outbound.ts';
import { callModeOf } from '../proxy-class.ts';
import { type Finding, finding } from './finding.ts';

/** A place where a policy's conf holds. */
interface Use {
  readonly merged: Merged;
  readonly protocol: Protocol;
  readonly place: string;
}

/** The findings about the policies of one type. */
export function protocolFindings(
  parts: ExplainParts,
  policy: ProxyPolicy,
  mesh: string,
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  if (policy.routing !== undefined) return [];
  const uses = proxies.flatMap((proxy) => [
    ...inboundUses(parts, policy, proxy),
    ...outboundUses(parts, policy, proxy),
  ]);
  const entries = new Map(
    uses.flatMap(({ merged }) =>
      merged.entries
        .filter(({ head }) => head.mesh === mesh)
        .map((entry) => [`${entry.head.key} ${entry.field}`, entry] as const),
    ),
  );
  return [...entries.values()].flatMap((entry): Finding[] => {
    const { head, field, conf } = entry;
    const held = uses.filter(({ merged }) => merged.entries.some((each) => each.head === head && each.field === field));
    const total = confFields(conf).size;
    const [first] = held;
    if (total === 0 || first === undefined) return [];
    if (held.every(({ protocol }) => idleFields(conf, protocol, policy.effectiveOn).length === total)) {
      const wanted = Object.entries(policy.effectiveOn ?? {})
        .filter(([path]) => [...confFields(conf).keys()].some((name) => name === path || name.startsWith(`${path}.`)))
        .flatMap(([, protocols]) => protocols);
      return [
        finding(
          'wrong-protocol',
          `${policy.name} ${head.displayName} has no effect: ${[...confFields(conf).keys()].join(', ')} works on ${[...new Set(wanted)].join(', ')} only, and ${first.place} is ${first.protocol}`,
          `set the protocol of the inbound (kuma.io/protocol: ${wanted[0]}) if the application speaks it`,
          head.resource,
          `${field}.default`,
        ),
      ];
    }
    if (held.some(({ merged }) => keptFields(conf, merged.conf).length > 0)) return [];
    const winner = first.merged.entries.at(-1);
    if (winner === undefined || winner.head === head) return [];
    return [
      finding(
        'overridden',
        `${policy.name} ${head.displayName}: everything that ${field} says is overridden by ${winner.head.displayName}: ${whyStronger(winner.head, head)}`,
        `change ${winner.head.displayName}, or make this policy narrower than it`,
        head.resource,
        field,
      ),
    ];
  });
}

function inboundUses(parts: ExplainParts, policy: ProxyPolicy, proxy: DataplaneFacts): Use[] {
  if (policy.authorize !== undefined) return [];
  const rules = parts.rules.ruleSets.get(`${proxy.mesh}/${proxy.name}`).get(policy.name);
  if (rules === undefined) return [];
  return proxy.inbounds.flatMap((inbound, position) => {
    const merged = inboundMerge(policy, rules, position) ?? fromSubsets(rules.inbounds[position]?.from ?? []);
    const protocol = inbound.protocol === 'unknown' ? 'tcp' : inbound.protocol;
    return merged === undefined ? [] : [{ merged, protocol, place: `port ${inbound.port} of ${proxy.name}` }];
  });
}

function fromSubsets(
  from: readonly {
    readonly conf: unknown;
    readonly origins: Merged['entries'][number]['head'][] | readonly Merged['entries'][number]['head'][];
  }[],
): Merged | undefined {
  const entries = from.flatMap(({ conf, origins }) =>
    origins.flatMap((head) => (head.spec.from ?? []).map((_, index) => ({ head, field: `spec.from[${index}]`, conf }))),
  );
  return entries.length === 0 ? undefined : { conf: entries[0]?.conf, entries };
}

function outboundUses(parts: ExplainParts, policy: ProxyPolicy, proxy: DataplaneFacts): Use[] {
  const key = `${proxy.mesh}/${proxy.name}`;
  const rules = parts.rules.ruleSets.get(key).get(policy.name);
  const connected = parts.inputs.proxies.get(key);
  if (rules === undefined || connected === undefined || !policy.shape.hasTo) return [];
  const outbounds = parts.outbounds(key, callModeOf(connected, proxy));
  return outbounds.flatMap(({ destination }) => {
    const merged = outboundMerge(rules, destination.target);
    const protocol = destination.protocol === 'unknown' ? 'tcp' : destination.protocol;
    return merged === undefined
      ? []
      : [{ merged, protocol, place: `${nameOf(destination)}, which ${proxy.name} calls,` }];
  });
}
