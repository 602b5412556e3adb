// When a proxy that is dead is no longer shown online, and when others no longer send to it.
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import type { ServiceHost } from '../harness/service-host.ts';
import { shownOnline } from '../harness/status-error.ts';

/** Longer than what is promised, so that a miss has its figure. */
const patience = { within: 90_000 };

/** Seconds since a moment of the monotonic clock; undefined when it did not come. */
export interface Gone {
  readonly offline: number | undefined;
  readonly withdrawn: number | undefined;
}

/** Asks a control plane and the Envoy of a client until both know. */
export async function watchGone(
  controlPlane: ControlPlaneHost,
  client: ServiceHost,
  victim: ServiceHost,
  moment: number,
): Promise<Gone> {
  const since = (): number => (performance.now() - moment) / 1000;
  const [offline, withdrawn] = await Promise.all([
    waitFor(
      'it is not shown online',
      async () => (await shownOnline(controlPlane))?.has(victim.name) === false && since(),
      patience,
    ).catch(() => undefined),
    waitFor(
      'it is withdrawn',
      async () => !(await client.endpointsOf('backend')).includes(victim.host.address) && since(),
      patience,
    ).catch(() => undefined),
  ]);
  return { offline, withdrawn };
}
