// Definition of policies that say where traffic goes. Their `to` entries carry rules, not a `default`.
import { closed, type TargetRef, type TargetRefKind, targetRef } from '@ursa/resources';
import { type Static, type TProperties, type TSchema, Type } from 'typebox';
import { originOf, type PolicyFacts, type ProxyPolicy } from './define-policy.ts';
import type { ToShape } from './outbound-rules.ts';
import { policyResourceType } from './policy-resource-type.ts';
import type { Report } from './report.ts';
import type { Routing } from './routing.ts';

/** Definition of a route policy. */
export interface RoutePolicyDefinition<Entry extends TProperties>
  extends Pick<PolicyFacts<TSchema, TSchema>, 'name' | 'shortName' | 'summary' | 'targetRef' | 'merge' | 'toKinds'> {
  /** Kinds that entries of `to` may have. */
  readonly to: readonly TargetRefKind[];
  /** Fields of an entry beside `targetRef`. */
  readonly entry: Entry;
  readonly toConf: ToShape['toConf'];
  readonly routing: Routing;
  /** Rules for one entry that its schema cannot say. */
  readonly checkEntry?: (entry: Static<ReturnType<typeof closed<Entry>>>, report: Report, topLevel: TargetRef) => void;
}

/** Defines a policy that says where traffic goes. */
export function defineRoutePolicy<Entry extends TProperties>(definition: RoutePolicyDefinition<Entry>): ProxyPolicy {
  const { name, summary, to, entry, merge = {}, toConf, routing, checkEntry } = definition;
  const shape = { hasTo: true, hasFrom: false, hasRules: false, fromAsRules: false, merge, toConf };
  const entrySchema = closed({ targetRef, ...entry });
  const spec = closed({ targetRef: Type.Optional(targetRef), to: Type.Optional(Type.Array(entrySchema)) });
  const checkSpec = (value: { readonly targetRef?: TargetRef; readonly to?: readonly unknown[] }, report: Report) => {
    for (const [index, item] of (value.to ?? []).entries()) {
      checkEntry?.(item as never, report.at(`to[${index}]`), value.targetRef ?? { kind: 'Mesh' });
    }
  };
  return {
    name,
    summary,
    origin: originOf(name),
    shape,
    fallback: undefined,
    hooks: {},
    routing,
    resourceType: policyResourceType({
      ...definition,
      to,
      from: [],
      rules: undefined,
      routes: routing.kind,
      shape,
      conf: Type.Unknown(),
      spec,
      listsRequired: false,
      gatewayListenerTags: true,
      checkSpec,
    }),
  };
}
