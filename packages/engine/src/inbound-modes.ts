// Whether each inbound of a proxy insists on mTLS: as policies say, or else as its mesh does; with a MeshIdentity alone it does. Known before inbounds are built.
import { confForAll, type InboundMode, type ProxyPolicy } from '@ursa/policy';
import type { ProxyTls } from './identity/proxy-tls.ts';
import type { RuleSets } from './rules.ts';
import { guard } from './walk.ts';

/** Modes of a proxy's inbounds. */
export interface InboundModes {
  /** By position; without meaning for a proxy without mTLS. */
  readonly modes: readonly InboundMode[];
  /** True when a policy speaks of one of the inbounds. */
  readonly governed: boolean;
}

/** Asks policies for the modes of `count` inbounds. */
export function inboundModes(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  tls: ProxyTls | undefined,
  count: number,
): InboundModes {
  const ofMesh: InboundMode = tls?.permissive === true ? 'Permissive' : 'Strict';
  const modes = Array.from({ length: count }, () => ofMesh);
  let governed = false;
  if (tls === undefined || tls.leaving) return { modes, governed };
  for (const policy of policies) {
    const { mode } = policy.hooks;
    if (mode === undefined) continue;
    for (const [position, { rules }] of ruleSets.get(policy.name)?.inbounds.entries() ?? []) {
      const conf = confForAll(rules, policy.shape.merge);
      if (conf === undefined) continue;
      governed = true;
      modes[position] = guard(policy, () => mode(conf)) ?? ofMesh;
    }
  }
  return { modes, governed };
}
