// A roll-out that knows of policies which are held back: a proxy that acknowledges its configuration without a policy that it refused has not
// taken that policy, and must not count as done.
import { type Engine, type PolicyInsight, policiesOf, policyInsightType } from '@ursa/engine';
import type { LiveResources } from '../store/live-resources.ts';
import type { HeldBackPolicy, ProxyRollout, RolloutViews } from '../xds/rollout.ts';

/** The roll-out, in which every proxy that lacks a policy counts as refusing it. */
export function withHeldBack(
  rollout: RolloutViews,
  live: LiveResources,
  engine: Pick<Engine, 'heldBack'>,
): RolloutViews {
  const lackedBy = (proxyKey: string): readonly HeldBackPolicy[] =>
    policiesOf(engine.heldBack.get(proxyKey)).flatMap((policy) => {
      const [type = '', mesh = '', name = ''] = policy.split('/');
      const insight = live.get({ type: policyInsightType, mesh, name: `${type}.${name}` });
      const { refusals = [] } = (insight?.spec ?? {}) as Partial<PolicyInsight>;
      const refusal = refusals.find(({ proxy }) => proxy === proxyKey) ?? refusals[0];
      return [{ type, mesh, name, message: refusal?.message ?? '', since: refusal?.since ?? '' }];
    });
  const seen = (rolled: ProxyRollout): ProxyRollout => {
    const heldBack = lackedBy(`${rolled.proxy.mesh}/${rolled.proxy.name}`);
    if (heldBack.length === 0) return rolled;
    return { ...rolled, state: rolled.state === 'pending' ? 'pending' : 'refused', heldBack };
  };
  return {
    at(revision, mesh, withEgresses) {
      const view = rollout.at(revision, mesh, withEgresses);
      if (live.resources(policyInsightType).keys().length === 0) return view;
      return { ...view, proxies: view.proxies.map(seen) };
    },
    onProgress: (listener) => rollout.onProgress(listener),
  };
}
