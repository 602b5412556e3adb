// The stage of the stories about a lost control plane: it has a machine of its own, and a proxy on it. A backend on another machine has this control plane
// too; a client of both services, and one more, have the other one, which stands beside the database.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openTcpProxy } from '../../faults/harness/tcp-proxy.ts';
import { openServerCertificate } from '../../packages/control-plane/src/identity/server-certificate.ts';
import { openPostgresServer } from '../../packages/control-plane/test/postgres-server.ts';
import { type Host, type HostProxy, openHosts } from '../harness/hosts.ts';
import { startLoad } from '../harness/load.ts';
import { allow, meshWith, programs } from '../harness/world.ts';

/** How long anything may take on a busy machine. */
export const patience = { within: 60_000, every: 250 };

/** Services that the client calls: `idle` is on the machine of the control plane that will be lost. */
export type Service = 'idle' | 'backend';

/** Everything that is there. */
export interface Stage {
  /** The machine of the control plane, and of the proxy `idle`. */
  readonly machine: Host;
  /** Address of the other control plane and of the database. */
  readonly elsewhere: string;
  /** Whether the other control plane shows the service's proxy as connected, to either of them or to the one that is named. */
  isOnline(service: Service, to?: 'lost' | 'other'): Promise<boolean>;
  /** Whether the Dataplane says that the proxy takes traffic. Fails when it is deleted. */
  takesTraffic(service: Service): Promise<boolean>;
  /** Whether the client's Envoy sends to the service. */
  isSentTo(service: Service): Promise<boolean>;
  /** Runs something while the client calls the services without retries. Fails when a request is lost or one of them is withdrawn meanwhile. */
  underLoad(services: readonly Service[], run: () => Promise<void>): Promise<void>;
}

interface Overview {
  readonly name: string;
  readonly dataplane: { readonly networking: { readonly inbound: readonly { readonly state?: string }[] } };
  readonly dataplaneInsight?: {
    readonly subscriptions?: readonly { readonly controlPlaneInstanceId: string; readonly disconnectTime?: string }[];
  };
}

const ports: Readonly<Record<Service, number>> = { idle: 20_080, backend: 20_081 };
const inboundPort = 9080;

/** What is special. */
export interface StageOptions {
  /** The proxy `idle` has an address of its own, as in a container or in another network of its machine. */
  readonly ownAddress?: boolean;
}

/** Sets it up: all are connected, and the client reaches both services. It is gone after the test. */
export async function openStage(context: TestContext, { ownAddress = false }: StageOptions = {}): Promise<Stage> {
  const closing: (() => unknown)[] = [];
  context.after(async () => {
    for (const close of closing.toReversed()) await close();
  });
  const hosts = openHosts();
  const [machine, ofBackend, ofClient] = ['idle', 'backend', 'client'].map((name, index) =>
    hosts.add(name, index + 2),
  ) as [Host, Host, Host];
  const idleAddress = ownAddress ? '10.77.0.102' : machine.ipv4;
  if (ownAddress) await machine.shell(`ip address add ${idleAddress}/24 dev eth0`);
  const database = await openPostgresServer();
  closing.push(() => database.remove());
  const wire = await openTcpProxy(hosts.ipv4, '127.0.0.1', database.port);
  closing.push(() => wire.close());
  const folder = join(hosts.folder, 'control-planes');
  mkdirSync(folder);
  await openServerCertificate(folder, { dnsNames: ['localhost'], addresses: [hosts.ipv4, machine.ipv4] });
  const environment = {
    ...database.env(await database.createStore()),
    KUMA_STORE_POSTGRES_HOST: hosts.ipv4,
    KUMA_STORE_POSTGRES_PORT: String(wire.port),
    KUMA_INTER_CP_BALANCE_PROXIES: 'false',
    // Each has a machine of its own.
    KUMA_DP_SERVER_PORT: '5678',
  };
  const start = async (command: readonly string[], loopback: string, machineId: string): Promise<ControlPlane> => {
    const started = await startControlPlane({
      ...{ command, folder, usualPorts: true, loopback },
      environment: { ...environment, KUMA_INTER_CP_MACHINE_ID: machineId },
    });
    closing.push(() => started.stop());
    return started;
  };
  const urlOf = (address: string): string => `https://${address}:5678`;
  const lost = await start(['ip', 'netns', 'exec', machine.name, ...programs.controlPlane], machine.ipv4, machine.name);
  // Whoever asks from its own machine is its administrator.
  const dataplaneToken = (mesh: string, name: string): Promise<string> =>
    machine.shell(
      `curl -sf 127.0.0.1:5681/tokens/dataplane --json '${JSON.stringify({ mesh, name, validFor: '24h' })}'`,
    );
  const startProxy = async (host: Host, urls: readonly string[], networking: object = {}): Promise<HostProxy> => {
    const tags = { 'kuma.io/service': host.name, 'kuma.io/protocol': 'http' };
    const inbound = [{ port: inboundPort, servicePort: 8080, serviceAddress: '127.0.0.1', tags }];
    const dataplane = {
      ...{ type: 'Dataplane', mesh: 'default', name: host.name },
      networking: { address: host === machine ? idleAddress : host.ipv4, inbound, ...networking },
    };
    const proxy = await host.startProxy({ ...lost, dataPlaneUrl: urls.join(), dataplaneToken }, dataplane, false);
    closing.push(() => proxy.process.stop());
    return proxy;
  };
  for (const host of [machine, ofBackend]) {
    const app = host.serve(['http', '127.0.0.1', 8080, host.name]);
    closing.push(() => app.stop());
  }
  // The other one is not there yet, so these two have the one that will be lost; it leads.
  const both = [machine.ipv4, hosts.ipv4].map(urlOf);
  await Promise.all([machine, ofBackend].map((host) => startProxy(host, both)));
  const other = await start(programs.controlPlane, '127.0.0.1', 'elsewhere');
  const outbound = Object.entries(ports).map(([service, port]) => ({
    ...{ address: ofClient.ipv4, port },
    tags: { 'kuma.io/service': service },
  }));
  // With one more, as many have the other control plane: when most are missing, nobody is withheld anyway.
  const [client] = await Promise.all([
    startProxy(ofClient, [urlOf(hosts.ipv4)], { outbound }),
    startProxy(hosts.add('fourth', 5), [urlOf(hosts.ipv4)]),
  ]);
  await other.apply(meshWith('STRICT'));
  await other.apply(allow('client'));
  assert.equal((await other.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);

  const idOf = async ({ apiUrl }: ControlPlane): Promise<string> =>
    ((await (await fetch(apiUrl)).json()) as { readonly instanceId: string }).instanceId;
  const ids = { lost: await idOf(lost), other: await idOf(other) };
  const overviewOf = async (service: Service): Promise<Overview> => {
    const { status, json } = await other.request('GET', `/meshes/default/dataplanes/${service}/_overview`);
    assert.equal(status, 200, `the Dataplane of ${service} is not there`);
    return json as Overview;
  };
  const stage: Stage = {
    machine,
    elsewhere: hosts.ipv4,
    async isOnline(service, to) {
      const { dataplaneInsight } = await overviewOf(service);
      const open = dataplaneInsight?.subscriptions?.findLast(({ disconnectTime }) => disconnectTime === undefined);
      return open !== undefined && (to === undefined || open.controlPlaneInstanceId === ids[to]);
    },
    takesTraffic: async (service) => (await overviewOf(service)).dataplane.networking.inbound[0]?.state !== 'NotReady',
    async isSentTo(service) {
      const address = service === 'idle' ? idleAddress : ofBackend.ipv4;
      return (await client.admin('/clusters')).includes(`${service}::${address}:${inboundPort}::health_flags::healthy`);
    },
    async underLoad(services, run) {
      const urls = services.map((service) => `http://${ofClient.ipv4}:${ports[service]}`);
      const loads = urls.flatMap((url) => [
        startLoad({ url, perSecond: 20 }),
        startLoad({ url, perSecond: 5, newConnections: true }),
      ]);
      closing.push(() => Promise.all(loads.map((load) => load.stop())));
      let running = true;
      const ran = run().finally(() => {
        running = false;
      });
      const watch = async (service: Service): Promise<void> => {
        while (running) {
          assert.equal(await stage.takesTraffic(service), true, `${service} is withheld`);
          assert.equal(await stage.isSentTo(service), true, `the client has lost sight of ${service}`);
          await sleep(500);
        }
      };
      await Promise.all([ran, ...services.map(watch)]);
      for (const load of loads) {
        const { sent, failures } = await load.stop();
        assert.deepEqual(failures, [], `${failures.length} of ${sent} requests were lost`);
      }
    },
  };
  const answers = async (service: Service): Promise<boolean> =>
    (await fetch(`http://${ofClient.ipv4}:${ports[service]}`)).ok;
  for (const service of ['idle', 'backend'] as const) {
    await waitFor(`${service} has its control plane`, () => stage.isOnline(service, 'lost'), patience);
    await waitFor(`the client reaches ${service}`, () => answers(service), patience);
  }
  return stage;
}
