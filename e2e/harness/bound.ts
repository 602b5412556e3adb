// Stories of outbounds that are bound to the loopback: ranges of their own, names asked of kuma-dp, what a proxy's Envoy listens on.
import { randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { freePort } from '../../examples/demo/free-ports.ts';
import type { MeshService, World } from './world.ts';

/** Settings of a control plane that gives addresses of the loopback which no other story has. */
export async function loopbackRanges(): Promise<Readonly<Record<string, string>>> {
  const network = `127.${randomInt(64, 255)}.${randomInt(0, 255)}`;
  return {
    KUMA_DNS_SERVER_CIDR: `${network}.0/26`,
    KUMA_IPAM_MESH_SERVICE_CIDR: `${network}.64/26`,
    KUMA_IPAM_MESH_EXTERNAL_SERVICE_CIDR: `${network}.128/26`,
    KUMA_IPAM_MESH_MULTI_ZONE_SERVICE_CIDR: `${network}.192/26`,
    // Port 80 is for processes with more rights.
    KUMA_DNS_SERVICE_SERVICE_VIP_PORT: String(await freePort()),
  };
}

/** A service whose proxy binds outbounds, and the resolver that its host would be given. */
export interface BoundService extends MeshService {
  /** Address of a name; undefined when there is none. */
  lookUp(name: string): Promise<string | undefined>;
  /** Addresses on which its Envoy listens for outbounds. */
  listensOn(): Promise<readonly string[]>;
}

/** Starts it. */
export async function startBound(world: World, service: string): Promise<BoundService> {
  const dnsPort = await freePort();
  const started = await world.start({
    service,
    extraArgs: ['--bind-outbounds', '--dns-proxy-port', String(dnsPort)],
    environment: { KUMA_APPLICATION_PROBE_PROXY_PORT: '0' },
  });
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${dnsPort}`]);
  return Object.assign(started, {
    lookUp: async (name: string): Promise<string | undefined> => {
      const found = await resolver.resolve4(name).catch(() => []);
      return found[0];
    },
    listensOn: async (): Promise<readonly string[]> => {
      const { listener_statuses: listeners = [] } = JSON.parse(await started.admin('/listeners?format=json')) as {
        listener_statuses?: readonly { name: string }[];
      };
      return listeners
        .map(({ name }) => name)
        .filter((name) => name.startsWith('outbound:'))
        .sort();
    },
  });
}
