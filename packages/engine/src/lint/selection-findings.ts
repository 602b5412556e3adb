// Findings about which proxies a policy selects.
import { type PolicyHead, type ProxyPolicy, whyNotSelected } from '@ursa/policy';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import { policiesIn, routeResolver } from '../explain/applied-policies.ts';
import type { ExplainParts } from '../explain/explain-parts.ts';
import { type Finding, finding } from './finding.ts';

/** The findings about the policies of one type. */
export function selectionFindings(
  parts: ExplainParts,
  policy: ProxyPolicy,
  mesh: string,
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  return policiesIn(parts, policy.name, mesh).flatMap((head) => selectionOf(parts, head, proxies));
}

/** The findings about one policy. */
export function selectionOf(
  parts: ExplainParts,
  head: PolicyHead,
  proxies: readonly DataplaneFacts[],
): readonly Finding[] {
  const routeOf = routeResolver(parts);
  const found: Finding[] = head.shadow ? [shadow(head)] : [];
  const reasons = proxies.map((proxy) => ({ proxy, reason: whyNotSelected(head, proxy.selectable, routeOf) }));
  if (proxies.length === 0 || reasons.some(({ reason }) => reason === undefined)) return found;
  return [...found, selectsNothing(head, reasons)];
}

function shadow(head: PolicyHead): Finding {
  return finding(
    'shadow',
    `${head.type} ${head.displayName} is a shadow policy: no proxy follows it`,
    'remove the label kuma.io/effect to put it in force',
    head.resource,
    'labels["kuma.io/effect"]',
  );
}

interface Reason {
  readonly proxy: DataplaneFacts;
  readonly reason: string | undefined;
}

// The proxy that comes closest is the one that its author had in mind, mostly.
function selectsNothing(head: PolicyHead, reasons: readonly Reason[]): Finding {
  const wanted = Object.entries({ ...head.targetRef.labels, ...head.targetRef.tags });
  const closeness = ({ inbounds, labels, name }: DataplaneFacts) => {
    const tags: Record<string, string> = Object.assign({}, labels, ...inbounds.map((inbound) => inbound.tags));
    const likeness = wanted.map(([key, value]) => (key in tags ? 1 : 0) + sharedPart(value, tags[key] ?? ''));
    return likeness.reduce((sum, each) => sum + each, sharedPart(head.targetRef.name ?? '', name));
  };
  const [nearest] = reasons.toSorted((first, second) => closeness(second.proxy) - closeness(first.proxy));
  return finding(
    'selects-nothing',
    `${head.type} ${head.displayName} selects no proxy of the mesh ${head.mesh}. Of ${nearest?.proxy.name}: ${nearest?.reason}`,
    'correct spec.targetRef to what the proxies have, or leave it out for the whole mesh',
    head.resource,
    'spec.targetRef',
  );
}

/** How much of a text another one starts with: 0 to 1. */
function sharedPart(wanted: string, given: string): number {
  let length = 0;
  while (length < wanted.length && wanted[length] === given[length]) length += 1;
  return wanted === '' ? 0 : length / wanted.length;
}
