// Which inbounds of a proxy insist on mTLS, without its listeners: whoever asks that of a thousand proxies under a change that nobody has made yet does
// not have a thousand configurations built for it.
import type { Derivation, Graph } from '@ursa/collections';
import { decodeResource } from '@ursa/envoy';
import type { Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import type { ProxyPolicy } from '@ursa/policy';
import type { LeftOut } from './held-back.ts';
import { inboundModes } from './inbound-modes.ts';
import type { OwnParts } from './own-parts.ts';
import { isServed, type Subject } from './proxy-parts.ts';
import type { ResourceMaps } from './resource-set.ts';
import type { RuleDerivations } from './rules.ts';

/** What they are derived from. */
export interface StrictInboundParts {
  readonly graph: Graph;
  readonly policies: readonly ProxyPolicy[];
  readonly own: Pick<OwnParts, 'subject'>;
  readonly rules: Pick<RuleDerivations, 'ruleSets' | 'inboundRules'>;
  readonly heldBack: Derivation<readonly [proxyKey: string], LeftOut>;
  readonly resourcesWithout: Derivation<readonly [proxyKey: string, without: LeftOut], ResourceMaps>;
}

/** Names of their listeners by proxy key. None for a proxy that has no configuration, or for which a policy fails. */
export function deriveStrictInbounds(
  parts: StrictInboundParts,
): Derivation<readonly [proxyKey: string], readonly string[]> {
  const { graph, policies, own, rules, heldBack, resourcesWithout } = parts;
  const rewriting = policies.filter(({ hooks }) => hooks.finish !== undefined);
  const byModes = ({ key, dataplane, proxyClass, inboundDefault }: Subject, without: LeftOut): readonly string[] => {
    const { tls, names } = proxyClass;
    if (tls === undefined) return [];
    const inboundRules = rules.inboundRules.get(key, without);
    const { modes } = inboundModes(policies, inboundRules, inboundDefault, dataplane.inbounds.length);
    return dataplane.inbounds
      .filter((_, position) => modes[position] === 'Strict')
      .map((inbound) => names.inboundListener(inbound));
  };
  // A policy that rewrites finished listeners decides after all others.
  const byListeners = ({ key }: Subject, without: LeftOut): readonly string[] =>
    [...resourcesWithout.get(key, without).listener.values()]
      .filter(({ origin }) => origin === 'inbound')
      .filter((resource) => !acceptsPlaintext(decodeResource({ ...resource, type: 'listener' })))
      .map(({ name }) => name);
  return graph.derive('strict inbounds', (proxyKey) => {
    const found = own.subject.get(proxyKey);
    if (found === undefined || !isServed(found)) return [];
    const without = heldBack.get(proxyKey);
    try {
      const ruleSets = rules.ruleSets.get(proxyKey, without);
      return rewriting.some(({ name }) => ruleSets.has(name)) ? byListeners(found, without) : byModes(found, without);
    } catch {
      return [];
    }
  });
}

/** Whether a connection without mTLS of the mesh gets to the application. */
export function acceptsPlaintext({ filterChains }: Listener): boolean {
  return filterChains.some(({ transportSocket }) => transportSocket === undefined);
}
