// Whether each inbound of a proxy insists on mTLS: as policies say, or else as its mesh does; with a MeshIdentity alone it does. Known before inbounds are built.
import type { Derivation, Graph } from '@ursa/collections';
import { confForAll, type InboundMode, type ProxyPolicy } from '@ursa/policy';
import type { ProxyTls } from './identity/proxy-tls.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { RuleSets } from './rule-views.ts';
import { guard } from './walk.ts';

/** What inbounds of a proxy do about mTLS where no policy says otherwise. Kept apart from its class: what it calls does not depend on it. */
export interface InboundDefault {
  readonly mode: InboundMode;
  /** True while mTLS is being left: no policy says otherwise then. */
  readonly final: boolean;
}

/** What it is derived from. */
export interface InboundDefaultOptions {
  readonly graph: Graph;
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly proxyTls: Derivation<readonly [mesh: string, proxyKey: string], ProxyTls | undefined>;
}

/** By the proxy's key; undefined for a proxy that speaks plain text. */
export function deriveInboundDefaults(
  options: InboundDefaultOptions,
): Derivation<readonly [mesh: string, proxyKey: string], InboundDefault | undefined> {
  const { graph, meshFacts, proxyTls } = options;
  return graph.derive('mode of inbounds', (mesh: string, proxyKey: string): InboundDefault | undefined => {
    const tls = proxyTls.get(mesh, proxyKey);
    if (tls === undefined) return undefined;
    const mtls = meshFacts.get(mesh)?.mtls;
    const leaving = mtls?.leaving === true;
    const ofBackend = tls.issuer === undefined;
    const permissive = mtls?.permissive === true && (ofBackend || !leaving);
    return { mode: permissive ? 'Permissive' : 'Strict', final: ofBackend && leaving };
  });
}

/** Modes of a proxy's inbounds. */
export interface InboundModes {
  /** By position; without meaning for a proxy without mTLS. */
  readonly modes: readonly InboundMode[];
  /** True when a policy speaks of one of the inbounds. */
  readonly governed: boolean;
}

/** Asks policies for the modes of `count` inbounds. `byDefault`: undefined for a proxy that speaks plain text. */
export function inboundModes(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  byDefault: InboundDefault | undefined,
  count: number,
): InboundModes {
  const ofMesh: InboundMode = byDefault?.mode ?? 'Strict';
  const modes = Array.from({ length: count }, () => ofMesh);
  let governed = false;
  if (byDefault === undefined || byDefault.final) return { modes, governed };
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
