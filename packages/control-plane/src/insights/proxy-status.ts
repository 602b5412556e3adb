// Whether a proxy works, in one word: from what its Dataplane says of its ports and whether it is connected.
import { type DataplaneSpec, isInboundReady } from '@ursa/resources';
import { isConnected, type ProxyInsight } from './insight.ts';

/** Words of the peers (feature C6). */
export type ProxyStatus = 'Online' | 'Offline' | 'Partially degraded';

/** Status of a proxy, and why it is not simply online. */
export interface ProxyHealth {
  readonly status: ProxyStatus;
  readonly reasons: readonly string[];
}

/** Status of a data plane proxy. A gateway has no workload behind it: it is online when it is connected. */
export function proxyHealth(dataplane: DataplaneSpec, insight: ProxyInsight | undefined): ProxyHealth {
  const connected = isConnected(insight);
  const { gateway, inbound = [] } = dataplane.networking ?? {};
  if (gateway !== undefined) return { status: connected ? 'Online' : 'Offline', reasons: [] };
  // Ignored ports do not count: their workload is not meant to be called.
  const counted = inbound.filter((port) => port.state !== 'Ignored');
  const notReady = counted.filter((port) => !isInboundReady(port));
  const reasons = notReady.map(
    (port) => `inbound[port=${port.port ?? 0},svc=${port.tags?.['kuma.io/service'] ?? ''}] is not ready`,
  );
  if (!connected) return { status: 'Offline', reasons };
  if (notReady.length === 0) return { status: 'Online', reasons };
  return { status: notReady.length === counted.length ? 'Offline' : 'Partially degraded', reasons };
}
