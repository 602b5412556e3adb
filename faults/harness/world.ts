// The world of a fault: a control plane, two backends and a client, each on a host of its own, with mutual TLS and no policy that would
// hide a loss (no retries, no circuit breakers, no health checks), under the load of the fault table.
import { join } from 'node:path';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type ControlPlaneHost, type ControlPlaneHostOptions, controlPlaneOn } from './control-plane.ts';
import type { FaultContext } from './fault.ts';
import { addHost } from './hosts.ts';
import { describeLost, type Load, startLoad, tableRates } from './load.ts';
import { ports, type ServiceHost, type ServiceHostOptions, startServiceHost } from './service-host.ts';

/** A world that runs. */
export interface World {
  readonly controlPlane: ControlPlaneHost;
  readonly client: ServiceHost;
  readonly backends: readonly [ServiceHost, ServiceHost];
  readonly services: readonly ServiceHost[];
  /** Starts the load of the table. Resolves when the first answers have come. */
  load(): Promise<Load>;
  /** Kills all that runs in it, so that the fault can open another one. */
  close(): Promise<void>;
}

/** What may differ. */
export interface WorldOptions {
  /** Settings of the control plane. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly controlPlane?: Pick<ControlPlaneHostOptions, 'wrap'> & { readonly folder?: string };
  readonly proxies?: Pick<ServiceHostOptions, 'wrap' | 'environment'>;
  /** Fields of the Mesh. */
  readonly mesh?: Readonly<Record<string, unknown>>;
  /** Comes after the names of services: what tells them from those of a world before. */
  readonly suffix?: string;
}

/** The mesh: certificates from a built-in authority, and none of the policies that a mesh is born with. */
export const strictMesh = {
  type: 'Mesh',
  name: 'default',
  skipCreatingInitialPolicies: ['*'],
  mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin', mode: 'STRICT' }] },
} as const;

/** Everybody may reach everybody. */
export const allowAll = {
  type: 'MeshTrafficPermission',
  mesh: 'default',
  name: 'allow-all',
  spec: { targetRef: { kind: 'Mesh' }, from: [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }] },
} as const;

/** Starts it all. */
export async function openWorld(context: FaultContext, options: WorldOptions = {}): Promise<World> {
  const { programs, folder } = context;
  const controlPlane = controlPlaneOn({
    host: addHost('cp'),
    command: programs.controlPlane,
    folder: options.controlPlane?.folder ?? join(folder, 'cp'),
    environment: options.environment ?? {},
    wrap: options.controlPlane?.wrap ?? [],
  });
  return await openWorldWith(context, controlPlane, options);
}

/** Starts a control plane that was prepared otherwise, with a mesh and services. */
export async function openWorldWith(
  context: FaultContext,
  controlPlane: ControlPlaneHost,
  options: WorldOptions & Pick<ServiceHostOptions, 'dataPlaneUrl'> = {},
): Promise<World> {
  await controlPlane.start();
  await controlPlane.apply({ ...strictMesh, ...options.mesh });
  await controlPlane.apply(allowAll);
  return await populate(context, controlPlane, options);
}

/** Adds services to a control plane that has its mesh. */
async function populate(
  { programs, folder }: FaultContext,
  controlPlane: ControlPlaneHost,
  { proxies = {}, dataPlaneUrl, suffix = '' }: WorldOptions & Pick<ServiceHostOptions, 'dataPlaneUrl'> = {},
): Promise<World> {
  const start = (name: string): Promise<ServiceHost> =>
    startServiceHost({
      host: addHost(`${name}${suffix}`),
      command: programs.dataPlane,
      controlPlane,
      folder,
      ...proxies,
      ...(dataPlaneUrl === undefined ? {} : { dataPlaneUrl }),
    });
  const [first, second, client] = await Promise.all([start('backend-1'), start('backend-2'), start('client')]);
  await waitFor('the client knows both backends', async () => (await client.endpointsOf('backend')).length === 2);
  return {
    controlPlane,
    client,
    backends: [first, second],
    services: [first, second, client],
    async load() {
      const load = startLoad(client.host, {
        url: `http://127.0.0.1:${ports.backend.outbound}/`,
        streamUrl: `http://127.0.0.1:${ports.stream.outbound}`,
        ...tableRates,
      });
      await waitFor(
        'the load runs',
        async () => {
          const { sent, messagesAnswered } = await load.report();
          return sent > 100 && messagesAnswered > 5;
        },
        { within: 30_000 },
      ).catch(async (cause: unknown) => {
        const report = await load.stop();
        throw new Error(`of ${report.sent} requests: ${describeLost(report)}; ${report.messagesAnswered} messages`, {
          cause,
        });
      });
      const { lost } = await load.report();
      if (lost.length > 0) throw new Error(`requests are lost before anything is done: ${lost[0]?.reason}`);
      return load;
    },
    async close() {
      await Promise.all(
        [first, second, client].map(async ({ app, proxy, killProxy }) => {
          if (proxy().running()) await killProxy();
          await app.stop(0);
        }),
      );
      await controlPlane.kill();
    },
  };
}
