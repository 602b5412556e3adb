// What the policies of one type do to a request on one side of it: which contribute, which lost and why.

import type { Protocol } from '@ursa/envoy';
import {
  confFields,
  confForAll,
  idleFields,
  keptFields,
  lookupOrder,
  type OutboundTarget,
  type PolicyHead,
  type ProxyPolicy,
  type ProxyRules,
  policyHead,
  type RouteIdentity,
  type RouteResolver,
  refersTo,
  routeTag,
  ruleFor,
  subsetRuleFor,
  whyNotSelected,
  whyStronger,
} from '@ursa/policy';
import { kriOf, tagNames } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { policiesOf } from '../held-back.ts';
import { type ExplainParts, keyOfProxy, whyHeldBack } from './explain-parts.ts';
import type { AppliedPolicies, PolicyReference } from './explanation.ts';

/** A conf at one place, and what it was merged from, the weakest first. */
export interface Merged {
  readonly conf: unknown;
  readonly entries: readonly { readonly head: PolicyHead; readonly field: string; readonly conf: unknown }[];
}

/** A policy by all its names. */
export function referenceTo(policy: ProxyPolicy, head: PolicyHead, field: string): PolicyReference {
  const kri = kriOf(policy.resourceType, head.resource) ?? '';
  return { type: head.type, name: head.displayName, kri, field };
}

/** What the rules say of traffic to a destination, or of one route of it. */
export function outboundMerge(rules: ProxyRules, target: OutboundTarget, route?: RouteIdentity): Merged | undefined {
  if (target.kind === 'resource') {
    const ids = [...(route?.policy === undefined ? [] : [route.policy]), ...lookupOrder(target.id)];
    const rule = ruleFor(rules.to, ids);
    if (rule === undefined) return undefined;
    const entries = rule.origins.map(({ head, ruleIndex }) => entryOf(head, 'to', ruleIndex));
    return { conf: rule.confs[0], entries };
  }
  const tags = { [tagNames.service]: target.service };
  const ofRoute = route && subsetRuleFor(rules.toSubsets, { ...tags, [routeTag]: route.name });
  const rule = ofRoute ?? subsetRuleFor(rules.toSubsets, tags);
  if (rule === undefined) return undefined;
  const entries = rule.origins.flatMap((head) =>
    (head.spec.to ?? []).flatMap((entry, index) => {
      const { kind, name } = entry.targetRef;
      return kind === 'Mesh' || name === target.service ? [entryOf(head, 'to', index)] : [];
    }),
  );
  return { conf: rule.conf, entries };
}

/** What the rules say of everything that an inbound receives. */
export function inboundMerge(policy: ProxyPolicy, rules: ProxyRules, position: number): Merged | undefined {
  const set = rules.inbounds[position]?.rules ?? [];
  const conf = confForAll(set, policy.shape.merge);
  if (conf === undefined) return undefined;
  const entries = set
    .filter(({ match }) => match === undefined)
    .map((rule) => {
      const { head, ruleIndex } = rule.origin;
      const list = (head.spec.rules ?? []).length > 0 ? 'rules' : 'from';
      return { head, field: `spec.${list}[${ruleIndex}]`, conf: rule.conf };
    });
  return { conf, entries };
}

function entryOf(head: PolicyHead, list: 'to', index: number): Merged['entries'][number] {
  const entry = head.spec[list]?.[index];
  return { head, field: `spec.${list}[${index}]`, conf: entry?.default ?? { rules: entry?.rules } };
}

/** Finds the route that a policy attaches to. */
export function routeResolver({ inputs }: Pick<ExplainParts, 'inputs'>): RouteResolver {
  return (head) => {
    const routes = inputs.resources(head.targetRef.kind);
    const heads = routes.keys().flatMap((key) => {
      const resource = routes.get(key);
      return resource === undefined ? [] : [policyHead(resource)];
    });
    return heads.find((route) => refersTo(head, head.targetRef, route));
  };
}

/** All policies of a type in a mesh. */
export function policiesIn(
  { inputs }: Pick<ExplainParts, 'inputs'>,
  type: string,
  mesh: string,
): readonly PolicyHead[] {
  const resources = inputs.resources(type);
  return resources.keys().flatMap((key) => {
    const resource = resources.get(key);
    return resource?.mesh === mesh ? [policyHead(resource)] : [];
  });
}

/** Contributions and losses; undefined when no policy of the type is there at all. */
export function appliedPolicies(
  parts: ExplainParts,
  policy: ProxyPolicy,
  place: { readonly side: 'client' | 'server'; readonly proxy: DataplaneFacts; readonly protocol: Protocol },
  merged: Merged | undefined,
): AppliedPolicies | undefined {
  const { side, proxy, protocol } = place;
  const list = side === 'client' ? 'to' : undefined;
  const heads = policiesIn(parts, policy.name, proxy.mesh).filter(({ spec }) =>
    list === 'to' ? (spec.to ?? []).length > 0 : (spec.from ?? []).length + (spec.rules ?? []).length > 0,
  );
  if (heads.length === 0) return undefined;
  const entries = merged?.entries ?? [];
  const strongest = entries.at(-1);
  const contributes = entries.filter(({ conf }) => keptFields(conf, merged?.conf).length > 0);
  const routeOf = routeResolver(parts);
  const heldBack = policiesOf(parts.heldBack.get(keyOfProxy(proxy)));
  const lost = heads
    .filter((head) => !contributes.some((entry) => entry.head.key === head.key))
    .map((head) => {
      const beaten = strongest && entries.some((entry) => entry.head.key === head.key) ? strongest.head : undefined;
      const reason =
        (head.shadow ? 'it is a shadow policy (label kuma.io/effect), shown in what-if answers only' : undefined) ??
        (heldBack.includes(head.key)
          ? `it is held back, ${whyHeldBack(parts, keyOfProxy(proxy), head.key)}`
          : undefined) ??
        whyNotSelected(head, proxy.selectable, routeOf) ??
        (beaten === undefined
          ? `none of its ${list ?? 'inbound'} entries speaks of this ${side === 'client' ? 'destination' : 'inbound'}`
          : `${beaten.displayName} wins: ${beaten === head ? 'a later entry of the same policy' : whyStronger(beaten, head)}`);
      return { policy: referenceTo(policy, head, ''), reason };
    });
  const idle = new Set(idleFields(merged?.conf, protocol, policy.effectiveOn));
  const effects = [...confFields(merged?.conf)].map(
    ([path, value]) => `${path}: ${JSON.stringify(value)}${idle.has(path) ? ` (no effect on ${protocol})` : ''}`,
  );
  return {
    type: policy.name,
    side,
    effects,
    decidedBy: contributes.toReversed().map(({ head, field }) => referenceTo(policy, head, field)),
    lost,
  };
}
