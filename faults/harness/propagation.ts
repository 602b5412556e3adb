// How long a change takes until proxies have it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from './control-plane.ts';
import type { Fleet } from './fleet.ts';

/** Milliseconds from the start of a write until proxies of a fleet got what it changed. */
export interface Propagation {
  readonly median: number;
  readonly p99: number;
  readonly samples: number;
}

/**
 * Changes a policy of the whole mesh so many times, one after another, and takes the time until each proxy of the fleet has heard of it.
 * Nothing else may change meanwhile what the fleet is sent.
 */
export async function measurePropagation(
  controlPlane: ControlPlaneHost,
  fleet: Fleet,
  changes: number,
): Promise<Propagation> {
  const times: number[] = [];
  await fleet.report();
  for (let change = 0; change < changes; change += 1) {
    const started = Date.now();
    await controlPlane.apply({
      type: 'MeshTimeout',
      mesh: 'default',
      name: 'propagation',
      spec: {
        targetRef: { kind: 'Mesh' },
        to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: `${10 + change}s` } }],
      },
    });
    await sleep(400);
    const { arrivals } = await fleet.report();
    times.push(...arrivals.map((at) => at - started));
  }
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99), samples: sorted.length };
}
