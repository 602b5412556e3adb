// What explain and lint read: the same derivations that configurations are made from.
import type { PolicyHead } from '@ursa/policy';
import type { ConfigParts } from '../config-parts.ts';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Engine } from '../engine.ts';
import type { LeftOutDerivations } from '../left-out.ts';
import type { Outbound, OutboundDerivations } from '../outbounds.ts';
import type { CallMode } from '../reach/call-mode.ts';
import type { RuleSets } from '../rule-views.ts';

/** Rules in force: without the policies that are held back. */
interface RulesInForce {
  readonly ruleSets: { get(proxyKey: string): RuleSets };
  readonly outboundRules: { get(proxyKey: string): RuleSets };
  readonly matched: { get(type: string, proxyKey: string): readonly PolicyHead[] };
  /** What holds on a zone egress, by the key of an ExternalService. */
  readonly ofExternalService: { get(key: string): RuleSets };
}

/** The derivations. */
export interface ExplainParts
  extends Omit<ConfigParts, 'rules' | 'outbounds'>,
    Pick<Engine, 'config' | 'identityRequest' | 'heldBack'> {
  readonly rules: RulesInForce;
  readonly unusable: LeftOutDerivations['unusable'];
  /** What a proxy can call. */
  outbounds(proxyKey: string, calls: CallMode): readonly Outbound[];
  /** The same, whether it is let in there or not. */
  readonly unpermitted: OutboundDerivations['outbounds'];
}

/** Why a policy is held back from a proxy, for people. */
export function whyHeldBack({ unusable }: Pick<ExplainParts, 'unusable'>, proxyKey: string, policy: string): string {
  const found = unusable.get(proxyKey).find(({ key }) => key === policy);
  return found === undefined
    ? 'because Envoy refused what it makes'
    : `because nothing can be made of it: ${found.problem}`;
}

/** Facts of all Dataplanes of a mesh, by name. */
export function dataplanesIn({ inputs, dataplane }: Pick<ExplainParts, 'inputs' | 'dataplane'>, mesh: string) {
  const keys = inputs
    .resources('Dataplane')
    .index('mesh', (resource) => [resource.mesh])
    .get(mesh);
  return keys.flatMap((key): readonly DataplaneFacts[] => {
    const facts = dataplane.get(key);
    return facts === undefined ? [] : [facts];
  });
}

/** Names of the services of a proxy. */
export function servicesOf({ inbounds, gateway }: DataplaneFacts): readonly string[] {
  const names = [...inbounds.map((inbound) => inbound.service), gateway?.tags['kuma.io/service'] ?? ''];
  return [...new Set(names)].filter((name) => name !== '');
}

/** The names that a proxy proves itself with; undefined for one that speaks plain text. */
export function provenNames(
  { workloadIdentities, identityRequest }: Pick<ExplainParts, 'workloadIdentities' | 'identityRequest'>,
  proxyKey: string,
): { readonly uris: readonly string[] } | undefined {
  const found = workloadIdentities.of.get(proxyKey);
  // What an agent on the proxy's host issues is not asked for here.
  if (found !== undefined && 'identity' in found) return { uris: [found.identity.spiffeId] };
  return identityRequest.get(proxyKey);
}

/** A derivation's first argument for a Dataplane. */
export function keyOfProxy({ mesh, name }: Pick<DataplaneFacts, 'mesh' | 'name'>): string {
  return `${mesh}/${name}`;
}
