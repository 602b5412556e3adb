// How soon Envoy notices that its control plane is gone, and how soon it comes back to one: kuma-dp adds it to the bootstrap.
import { parse, stringify } from 'yaml';
import { isControlPlaneCluster } from './several-addresses.ts';

/** The part of a bootstrap where Envoy is told how to reach the control plane. */
interface Bootstrap {
  readonly dynamicResources?: {
    readonly adsConfig?: { readonly grpcServices?: readonly { readonly envoyGrpc?: { retryPolicy?: unknown } }[] };
  };
  readonly staticResources?: {
    readonly clusters?: readonly {
      readonly name?: string;
      upstreamConnectionOptions?: { readonly [option: string]: unknown };
      upstreamBindConfig?: unknown;
    }[];
  };
}

/**
 * Without it, Envoy's pauses grow to 30 seconds, so that after a minute without a control plane a proxy may come back half a minute late.
 * Envoy picks each pause at random up to the bound: a thousand proxies do not come at once. It belongs into `envoyGrpc`: the field of the
 * same name beside it is about single calls, and the stream of configuration does not heed it. Health discovery never pauses longer than a second.
 */
const retryPolicy = { retryBackOff: { baseInterval: '0.5s', maxInterval: '1.5s' } };

/**
 * In seconds. The kernel asks a control plane that says nothing; ours asks sooner (decision 0247), so between two that live this one never does. It is the
 * machine that answers: a busy control plane loses nobody.
 */
const tcpKeepalive = { keepaliveTime: 3, keepaliveInterval: 1, keepaliveProbes: 3 };

/** While something is under way (what was found about health always is) the kernel asks nothing: then this bounds how long it sends again. */
const userTimeout = {
  socketOptions: [
    {
      description: 'TCP_USER_TIMEOUT: a machine that is lost acknowledges nothing',
      ...{ level: 6, name: 18, intValue: 6_000, state: 'STATE_PREBIND' },
    },
  ],
};

/**
 * The bootstrap with which Envoy leaves the lost machine of a control plane within six seconds, and with short pauses between attempts to reach one. What it
 * says about the pauses, and about where connections come from, stays. `socketOptions`: Envoy runs on Linux and takes them without an address of its own.
 */
export function withQuickReconnect(yaml: string, socketOptions: boolean): string {
  const bootstrap: Bootstrap | null = parse(yaml);
  for (const { envoyGrpc } of bootstrap?.dynamicResources?.adsConfig?.grpcServices ?? []) {
    if (envoyGrpc !== undefined) envoyGrpc.retryPolicy ??= retryPolicy;
  }
  for (const cluster of bootstrap?.staticResources?.clusters ?? []) {
    if (!isControlPlaneCluster(cluster)) continue;
    cluster.upstreamConnectionOptions = { ...cluster.upstreamConnectionOptions, tcpKeepalive };
    if (socketOptions) cluster.upstreamBindConfig ??= userTimeout;
  }
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}
