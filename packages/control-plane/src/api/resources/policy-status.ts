// The status of policies that Envoy refuses, joined to them when they are read: it is stored apart, so that a refusal makes no new version.
import { type Engine, type PolicyInsight, policiesOf, policyInsightType } from '@ursa/engine';
import { formatResourceKey, type Resource } from '@ursa/resources';
import { policyCondition } from '../../insights/policy-conditions.ts';
import { insightOf } from '../../insights/policy-insights.ts';
import type { LiveResources } from '../../store/live-resources.ts';

/** Gives a policy with what is observed of it; every other resource, and every policy that is in force, as it is. */
export function createPolicyStatus(
  live: LiveResources,
  engine: Pick<Engine, 'heldBack' | 'affectedDataplanes'>,
): (resource: Resource) => Resource {
  const concerned = (policy: Resource, { heldBack }: PolicyInsight): readonly string[] => {
    if (!heldBack) return [];
    const { type, mesh, name } = policy;
    const key = formatResourceKey(policy);
    return engine.affectedDataplanes
      .get(type, mesh, name)
      .filter((proxy) => policiesOf(engine.heldBack.get(proxy)).includes(key))
      .map((proxy) => proxy.slice(mesh.length + 1));
  };
  return (resource) => {
    if (live.resources(policyInsightType).keys().length === 0) return resource;
    const insight = insightOf(live, resource);
    const condition = insight && policyCondition(insight, concerned(resource, insight));
    if (condition === undefined) return resource;
    return { ...resource, status: { ...(resource.status ?? {}), conditions: [condition] } };
  };
}
