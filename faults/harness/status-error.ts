// How long the control plane says something else of a proxy than is true: shown online while its Envoy is not connected, or the other way round.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from './control-plane.ts';
import type { ServiceHost } from './service-host.ts';

/** A running comparison. */
export interface StatusWatch {
  /** Ends it; gives the longest time in seconds for which one proxy was shown wrongly while the API answered. */
  stop(): Promise<number>;
}

interface Overview {
  readonly items: readonly { readonly name: string; readonly dataplaneInsight?: Insight }[];
}

interface Insight {
  readonly subscriptions?: readonly { readonly connectTime?: string; readonly disconnectTime?: string }[];
}

const interval = 50;

/** Proxies that are shown online. Undefined while the API does not answer. */
export async function shownOnline(controlPlane: ControlPlaneHost): Promise<ReadonlySet<string> | undefined> {
  try {
    const { json, status } = await controlPlane.request('GET', '/meshes/default/dataplanes/_overview', undefined, 2000);
    if (status !== 200) return undefined;
    const isOpen = ({ subscriptions = [] }: Insight): boolean =>
      subscriptions.some(
        ({ connectTime, disconnectTime }) => connectTime !== undefined && disconnectTime === undefined,
      );
    const online = (json as Overview).items.filter(
      ({ dataplaneInsight: insight }) => insight !== undefined && isOpen(insight),
    );
    return new Set(online.map(({ name }) => name));
  } catch {
    return undefined;
  }
}

/** Starts to compare. */
export function watchStatus(controlPlane: ControlPlaneHost, services: readonly ServiceHost[]): StatusWatch {
  let longest = 0;
  let stopped = false;
  const wrongSince = new Map<string, number>();
  const look = async (): Promise<void> => {
    const [online, ...connected] = await Promise.all([
      shownOnline(controlPlane),
      ...services.map((service) => service.connected().catch(() => false)),
    ]);
    const now = performance.now();
    for (const [index, { name }] of services.entries()) {
      if (online === undefined || online.has(name) === connected[index]) {
        wrongSince.delete(name);
        continue;
      }
      const since = wrongSince.get(name) ?? now;
      wrongSince.set(name, since);
      longest = Math.max(longest, now - since);
    }
  };
  const running = (async () => {
    while (!stopped) {
      await look();
      await sleep(interval);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      return longest / 1000;
    },
  };
}
