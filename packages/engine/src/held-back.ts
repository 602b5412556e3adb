// Which policies are held back from a proxy because Envoy refused what they made: those that it refused itself, and those with which it
// would get the very bytes that another proxy has refused.
import type { Derivation, Graph } from '@ursa/collections';
import { formatResourceKey } from '@ursa/resources';
import type { EngineInputs } from './engine.ts';
import { type PolicyInsight, policyContent, policyInsightType, type Refusal } from './policy-insight.ts';
import type { ResourceMaps } from './resource-set.ts';

/** Policies left out of a proxy's configuration: keys `Type/mesh/name`, sorted, one a line; '' for none. A text, so that it can be an argument. */
export type LeftOut = string;

/** Nothing is left out. */
export const nothingLeftOut: LeftOut = '';

/** The policies as a text. */
export function leftOut(keys: Iterable<string>): LeftOut {
  return [...new Set(keys)].sort().join('\n');
}

/** The policies of a text. */
export function policiesOf(text: LeftOut): readonly string[] {
  return text === nothingLeftOut ? [] : text.split('\n');
}

interface RefusedPolicy {
  /** `Type/mesh/name`. */
  readonly key: string;
  readonly everywhere: boolean;
  readonly refusals: readonly Refusal[];
}

const noPolicies: readonly RefusedPolicy[] = [];

/** Derives what is held back. `resourcesWithout` gives a proxy's resources when some policies are left out. */
export function deriveHeldBack(
  graph: Graph,
  inputs: EngineInputs,
  resourcesWithout: (proxyKey: string, without: LeftOut) => ResourceMaps,
): Derivation<readonly [proxyKey: string], LeftOut> {
  const insights = inputs.resources(policyInsightType);
  const ofMesh = insights.index('mesh', (resource) => [resource.mesh]);

  const refusedPolicies = graph.derive('refused policies', (mesh: string): readonly RefusedPolicy[] => {
    const keys = ofMesh.get(mesh);
    if (keys.length === 0) return noPolicies;
    return keys.flatMap((key) => {
      const insight = insights.get(key)?.spec as PolicyInsight | undefined;
      if (insight === undefined || !insight.heldBack) return [];
      const { policy, content, everywhere, refusals } = insight;
      const stored = inputs.resources(policy.type).get(`${mesh}/${policy.name}`);
      // An insight speaks of one content: a policy that was changed is tried again.
      if (stored === undefined || policyContent(stored) !== content) return [];
      return [{ key: formatResourceKey(stored), everywhere, refusals }];
    });
  });

  return graph.derive('held back', (proxyKey: string): LeftOut => {
    const proxy = inputs.proxies.get(proxyKey);
    const refused = proxy === undefined ? noPolicies : refusedPolicies.get(proxy.mesh);
    if (proxy === undefined || refused.length === 0) return nothingLeftOut;
    const counts = ({ envoyVersion }: Refusal): boolean => envoyVersion === proxy.envoyVersion;
    const own = refused.filter(
      ({ everywhere, refusals }) =>
        everywhere || refusals.some((refusal) => refusal.proxy === proxyKey && counts(refusal)),
    );
    const chosen = new Set(own.map(({ key }) => key));
    // Leaving one policy out can bring forth bytes that were refused because of another.
    for (;;) {
      const resources = resourcesWithout(proxyKey, leftOut(chosen));
      const more = refused.filter(
        ({ key, refusals }) =>
          !chosen.has(key) &&
          refusals.some(
            (refusal) =>
              counts(refusal) &&
              refusal.resources.some(({ type, name, version }) => resources[type].get(name)?.version === version),
          ),
      );
      if (more.length === 0) return leftOut(chosen);
      for (const { key } of more) chosen.add(key);
    }
  });
}
