// Virtual addresses of services as a proxy has them, for /etc/hosts: kuma-dp does not answer DNS yet.
import type { ControlPlane } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';

interface Listener {
  readonly address?: { readonly socketAddress?: { readonly address?: string } };
  readonly additionalAddresses?: readonly { readonly address?: Listener['address'] }[];
  readonly metadata?: { readonly filterMetadata?: { readonly 'io.kuma.tags'?: Readonly<Record<string, string>> } };
}

/** IPv4 and IPv6 address of each `<service>.mesh`, once all have some. */
export function virtualAddresses(
  controlPlane: ControlPlane,
  proxy: string,
  services: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  return waitFor('all services have virtual addresses', async () => {
    const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${proxy}/_config`);
    const listeners = Object.values((json as { xds: Record<string, Record<string, Listener>> }).xds).flatMap((type) =>
      Object.values(type),
    );
    const found: Record<string, readonly string[]> = {};
    for (const { address, additionalAddresses = [], metadata } of listeners) {
      const service = metadata?.filterMetadata?.['io.kuma.tags']?.['kuma.io/service'];
      if (service === undefined || !services.includes(service)) continue;
      const all = [address, ...additionalAddresses.map((additional) => additional.address)];
      found[`${service}.mesh`] = all.flatMap((item) => item?.socketAddress?.address ?? []);
    }
    return services.every((service) => found[`${service}.mesh`] !== undefined) && found;
  });
}
