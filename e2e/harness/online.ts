// Waits until proxies are connected, as the control plane says.
import type { ControlPlane } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';

/** Resolves when so many proxies of the mesh `default` are online. */
export async function untilOnline({ request }: Pick<ControlPlane, 'request'>, count: number): Promise<void> {
  await waitFor(
    `${count} proxies are online`,
    async () => {
      const { json } = await request('GET', '/mesh-insights/default');
      return (json as { dataplanes: { online?: number } }).dataplanes.online === count;
    },
    { within: 60_000 },
  );
}
