// How soon Envoy comes back to a control plane that was away: kuma-dp adds it to the bootstrap.
import { parse, stringify } from 'yaml';

/** The part of a bootstrap where Envoy is told how to reach the control plane. */
interface Bootstrap {
  readonly dynamicResources?: {
    readonly adsConfig?: { readonly grpcServices?: readonly { readonly envoyGrpc?: { retryPolicy?: unknown } }[] };
  };
}

/**
 * Without it, Envoy's pauses grow to 30 seconds, so that after a minute without a control plane a proxy may come back half a minute late.
 * Envoy picks each pause at random up to the bound: a thousand proxies do not come at once. It belongs into `envoyGrpc`: the field of the
 * same name beside it is about single calls, and the stream of configuration does not heed it. Health discovery never pauses longer than a second.
 */
const retryPolicy = { retryBackOff: { baseInterval: '0.5s', maxInterval: '1.5s' } };

/** The bootstrap with short pauses between attempts to reach the control plane; what it says about them itself stays. */
export function withQuickReconnect(yaml: string): string {
  const bootstrap: Bootstrap | null = parse(yaml);
  for (const { envoyGrpc } of bootstrap?.dynamicResources?.adsConfig?.grpcServices ?? []) {
    if (envoyGrpc !== undefined) envoyGrpc.retryPolicy ??= retryPolicy;
  }
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}
