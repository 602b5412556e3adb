// What is observed of policies and collectors, joined to them when they are read: it is stored apart or derived, so that nothing observed makes a new version.
import { type Engine, type PolicyInsight, policiesOf, policyInsightType } from '@ursa/engine';
import { formatResourceKey, type Resource } from '@ursa/resources';
import {
  environmentCondition,
  type PolicyCondition,
  policyCondition,
  referenceCondition,
  unusableCondition,
} from '../../insights/policy-conditions.ts';
import { insightOf } from '../../insights/policy-insights.ts';
import type { LiveResources } from '../../store/live-resources.ts';

/** Gives a policy or collector with what is observed of it; every other resource, and all of which there is nothing to say, as it is. */
export function createPolicyStatus(
  live: LiveResources,
  engine: Pick<Engine, 'heldBack' | 'unusable' | 'faultOf' | 'affectedDataplanes' | 'collectorRefs' | 'unsentTo'>,
  isPolicy: (type: string) => boolean,
): (resource: Resource) => Resource {
  const proxiesWhere = ({ type, mesh, name }: Resource, holds: (proxy: string) => boolean): readonly string[] =>
    engine.affectedDataplanes
      .get(type, mesh, name)
      .filter(holds)
      .map((proxy) => proxy.slice(mesh.length + 1));
  const concerned = (policy: Resource, { heldBack }: PolicyInsight): readonly string[] => {
    if (!heldBack) return [];
    const key = formatResourceKey(policy);
    return proxiesWhere(policy, (proxy) => policiesOf(engine.heldBack.get(proxy)).includes(key));
  };
  // Rules that became stricter since it was written take nothing away: what can be built of it is in force, and nothing is said.
  const unusable = (policy: Resource): PolicyCondition | undefined => {
    if (!isPolicy(policy.type)) return undefined;
    const key = formatResourceKey(policy);
    const fault = engine.faultOf(key);
    if (fault === undefined) return undefined;
    const names = proxiesWhere(policy, (proxy) => engine.unusable.get(proxy).some((found) => found.key === key));
    return names.length === 0 ? undefined : unusableCondition(policy, fault, names);
  };
  const programmed = (resource: Resource): PolicyCondition | undefined => {
    if (live.resources(policyInsightType).keys().length === 0) return undefined;
    const insight = insightOf(live, resource);
    return insight && policyCondition(insight, concerned(resource, insight));
  };
  return (resource) => {
    const { type, mesh, name } = resource;
    const references = referenceCondition(engine.collectorRefs.get(type, mesh, name));
    const environment = environmentCondition(engine.unsentTo.get(type, mesh, name));
    const conditions = [references, environment, programmed(resource) ?? unusable(resource)].filter(
      (condition) => condition !== undefined,
    );
    return conditions.length === 0 ? resource : { ...resource, status: { ...(resource.status ?? {}), conditions } };
  };
}
