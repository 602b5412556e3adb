// How soon Envoy comes back to a control plane that was away: the one thing that kuma-dp adds to the bootstrap.
import { parse, stringify } from 'yaml';

/** The parts of a bootstrap where Envoy is told how to reach the control plane. */
interface Bootstrap {
  readonly dynamicResources?: { readonly adsConfig?: ApiConfigSource };
  readonly hdsConfig?: ApiConfigSource;
}

interface ApiConfigSource {
  readonly grpcServices?: readonly { retryPolicy?: unknown }[];
}

/**
 * Without it, Envoy's pauses grow to 30 seconds, so that after a minute without a control plane a proxy may come back half a minute late.
 * Envoy picks each pause at random up to the bound: a thousand proxies do not come at once.
 */
const retryPolicy = { retryBackOff: { baseInterval: '0.5s', maxInterval: '2s' } };

/** The bootstrap with short pauses between attempts to reach the control plane; what it says about them itself stays. */
export function withQuickReconnect(yaml: string): string {
  const bootstrap: Bootstrap | null = parse(yaml);
  for (const source of [bootstrap?.dynamicResources?.adsConfig, bootstrap?.hdsConfig]) {
    for (const service of source?.grpcServices ?? []) service.retryPolicy ??= retryPolicy;
  }
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}
