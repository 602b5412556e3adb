// What each policy takes, found out by asking its validation: kinds of references in every place, and the forms that inbounds and clients can be
// named by. Read by the test of the support matrix and by the test that every form has a scenario.
import type { ProxyPolicy } from '@ursa/policy';
import { type TargetRef, type TargetRefKind, targetRefKinds } from '@ursa/resources';

/** Places of a policy that hold references. */
export type RefPlace = 'targetRef' | 'to' | 'from';

const named: readonly TargetRefKind[] = [
  'MeshService',
  'MeshServiceSubset',
  'MeshGateway',
  'MeshHTTPRoute',
  'MeshExternalService',
  'MeshMultiZoneService',
  'Dataplane',
];

const reference = (kind: TargetRefKind): TargetRef => ({ kind, ...(named.includes(kind) ? { name: 'some' } : {}) });

/** What validation says of a spec. */
function refusals({ resourceType }: ProxyPolicy, spec: unknown): readonly { field: string; message: string }[] {
  return resourceType.validate?.(spec as never, { mesh: 'default', name: 'some', labels: {} }) ?? [];
}

/** What validation says of a reference of each kind in a place, of its kind only. */
export function refusedKinds(policy: ProxyPolicy, place: RefPlace, topLevel?: TargetRefKind) {
  const field = place === 'targetRef' ? 'spec.targetRef.kind' : `spec.${place}[0].targetRef.kind`;
  return targetRefKinds.map((kind) => {
    const entry = [{ targetRef: reference(kind), default: {} }];
    const top = topLevel === undefined ? {} : { targetRef: reference(topLevel) };
    const spec = place === 'targetRef' ? { targetRef: reference(kind) } : { ...top, [place]: entry };
    const messages = refusals(policy, spec).filter((violation) => violation.field === field);
    return { kind, messages: messages.map(({ message }) => message) };
  });
}

/** Kinds that a policy does not refuse in a place; without `topLevel`, under a reference to the whole mesh. */
export function acceptedKinds(policy: ProxyPolicy, place: RefPlace, topLevel?: TargetRefKind): TargetRefKind[] {
  return refusedKinds(policy, place, topLevel).flatMap(({ kind, messages }) => (messages.length === 0 ? [kind] : []));
}

const fields = (policy: ProxyPolicy): Readonly<Record<string, unknown>> =>
  (policy.resourceType.spec as { properties?: Record<string, unknown> }).properties ?? {};

const hasMatches = (policy: ProxyPolicy): boolean => JSON.stringify(fields(policy).rules ?? {}).includes('spiffeID');

/** Every form in which a policy can name proxies, destinations and clients, such as `to MeshService`. */
export function acceptedForms(policy: ProxyPolicy): readonly string[] {
  const top = acceptedKinds(policy, 'targetRef');
  const { to, from, rules } = fields(policy);
  const destinations = new Set(to === undefined ? [] : top.flatMap((kind) => acceptedKinds(policy, 'to', kind)));
  return [
    ...top.map((kind) => `targetRef ${kind}`),
    ...['name', 'labels', ...(rules === undefined ? [] : ['sectionName'])].map(
      (field) => `targetRef Dataplane by ${field}`,
    ),
    'targetRef for Sidecar only',
    'targetRef for Gateway only',
    ...[...destinations].map((kind) => `to ${kind}`),
    ...(from === undefined ? [] : acceptedKinds(policy, 'from').map((kind) => `from ${kind}`)),
    ...(rules === undefined ? [] : ['rules']),
    ...(hasMatches(policy) ? ['rules by spiffeID Exact', 'rules by spiffeID Prefix', 'rules by sni'] : []),
  ];
}

interface UsedSpec {
  readonly targetRef?: TargetRef;
  readonly to?: readonly { readonly targetRef: TargetRef }[];
  readonly from?: readonly { readonly targetRef: TargetRef }[];
  readonly rules?: readonly { readonly matches?: readonly UsedMatch[]; readonly default?: unknown }[];
}

interface UsedMatch {
  readonly spiffeID?: { readonly type: string };
  readonly sni?: unknown;
}

function matchesOf(rule: { readonly matches?: readonly UsedMatch[]; readonly default?: unknown }): UsedMatch[] {
  const lists = Object.values((rule.default ?? {}) as Record<string, unknown>).filter(Array.isArray);
  return [...(rule.matches ?? []), ...(lists.flat() as UsedMatch[])];
}

/** The forms that the spec of a policy uses. */
export function usedForms({ targetRef = { kind: 'Mesh' }, to = [], from = [], rules = [] }: UsedSpec): string[] {
  const byField = (['name', 'labels', 'sectionName'] as const).filter((field) => targetRef[field] !== undefined);
  const matches = rules.flatMap(matchesOf);
  return [
    `targetRef ${targetRef.kind}`,
    ...(targetRef.kind === 'Dataplane' ? byField.map((field) => `targetRef Dataplane by ${field}`) : []),
    ...(targetRef.proxyTypes?.length === 1 ? [`targetRef for ${targetRef.proxyTypes[0]} only`] : []),
    ...to.map((entry) => `to ${entry.targetRef.kind}`),
    ...from.map((entry) => `from ${entry.targetRef.kind}`),
    ...(rules.length > 0 ? ['rules'] : []),
    ...matches.flatMap(({ spiffeID, sni }) => [
      ...(spiffeID === undefined ? [] : [`rules by spiffeID ${spiffeID.type}`]),
      ...(sni === undefined ? [] : ['rules by sni']),
    ]),
  ];
}
