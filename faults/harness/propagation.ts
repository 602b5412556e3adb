// How long a change takes until proxies have it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from './control-plane.ts';
import type { Fleet } from './fleet.ts';

/** Milliseconds from the start of a write until proxies of a fleet got what it changed. */
export interface Propagation {
  readonly median: number;
  readonly p99: number;
  readonly samples: number;
  /** Writes that were answered 503, as not stored in time, and made again. */
  readonly repeated: number;
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
  let repeated = 0;
  await fleet.report();
  for (let change = 0; change < changes; change += 1) {
    let started = Date.now();
    while (!(await wasWritten(controlPlane, `${10 + change}s`))) {
      repeated += 1;
      if (repeated > changes) throw new Error('most writes are answered 503');
      started = Date.now();
    }
    await sleep(400);
    const { arrivals } = await fleet.report();
    times.push(...arrivals.map((at) => at - started));
  }
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99), samples: sorted.length, repeated };
}

/** Errors: every answer but success and 503. */
async function wasWritten(controlPlane: ControlPlaneHost, connectionTimeout: string): Promise<boolean> {
  const { status, text } = await controlPlane.request('PUT', '/meshes/default/meshtimeouts/propagation', {
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'propagation',
    spec: {
      targetRef: { kind: 'Mesh' },
      to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout } }],
    },
  });
  if (status >= 300 && status !== 503) throw new Error(`a write was answered ${status}: ${text}`);
  return status < 300;
}
