// Several control planes over one PostgreSQL, each reaching it through a relay that can be cut; and one address of all of them for proxies.
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { type ControlPlane, startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openPostgresServer, postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { programs } from './world.ts';

export { postgresMissing };

/** One of them. */
export interface Instance extends ControlPlane {
  /** No byte gets to the database any more, and none comes back. */
  cut(): void;
  mend(): void;
}

/** An instance as `/_instances` shows it. */
export interface ShownInstance {
  readonly id: string;
  readonly status: string;
  readonly leader: boolean;
  readonly proxies: number;
}

/** All of them. */
export interface SeveralControlPlanes {
  readonly instances: readonly Instance[];
  /** For proxies: they are given the addresses of all. */
  readonly together: ControlPlane;
  /** What one says of itself. */
  self(instance: ControlPlane): Promise<ShownInstance>;
  /** The one that leads, as it says itself; undefined when none does. Fails when several do. */
  leader(among?: readonly Instance[]): Promise<Instance | undefined>;
  close(): Promise<void>;
}

/** Starts them one after another. */
export async function startSeveral(
  count: number,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<SeveralControlPlanes> {
  const server = await openPostgresServer();
  const database = await server.createStore();
  const instances: Instance[] = [];
  const relays: Relay[] = [];
  for (let index = 0; index < count; index += 1) {
    const relay = await openRelay(server.port);
    relays.push(relay);
    const controlPlane = await startControlPlane({
      command: programs.controlPlane,
      folder,
      usualPorts: false,
      environment: {
        ...server.env(database),
        KUMA_STORE_POSTGRES_PORT: String(relay.port),
        KUMA_INTER_CP_SERVER_PORT: String(await freePort()),
        KUMA_INTER_CP_CATALOG_INSTANCE_ADDRESS: '127.0.0.1',
        ...environment,
      },
    });
    instances.push(Object.assign(controlPlane, { cut: relay.cut, mend: relay.mend }));
  }
  const [first] = instances;
  assert.ok(first !== undefined);
  const self = async (instance: ControlPlane): Promise<ShownInstance> => {
    const { instanceId } = (await instance.request('GET', '/')).json as { readonly instanceId: string };
    const { items } = (await instance.request('GET', '/_instances')).json as {
      readonly items: readonly ShownInstance[];
    };
    const own = items.find(({ id }) => id === instanceId);
    assert.ok(own !== undefined, `${instanceId} is not among the instances`);
    return own;
  };
  return {
    instances,
    together: { ...first, dataPlaneUrl: instances.map(({ dataPlaneUrl }) => dataPlaneUrl).join(',') },
    self,
    async leader(among = instances) {
      const said = await Promise.all(among.map(async (instance) => ((await self(instance)).leader ? [instance] : [])));
      const leaders = said.flat();
      assert.ok(leaders.length <= 1, `${leaders.length} lead at once`);
      return leaders[0];
    },
    async close() {
      await Promise.all(instances.map((instance) => instance.stop()));
      for (const relay of relays) relay.close();
      await server.remove();
    },
  };
}

/** Waits until one of the instances leads, and says how long that took in milliseconds. */
export async function nextLeader(
  several: SeveralControlPlanes,
  among: readonly Instance[],
): Promise<{ readonly leader: Instance; readonly took: number }> {
  const started = performance.now();
  const leader = await waitFor('another instance leads', () => several.leader(among), { within: 20_000, every: 50 });
  return { leader, took: Math.round(performance.now() - started) };
}

interface Relay {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): void;
}

async function openRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    // As a firewall that drops packets: connections stay, and nothing goes through.
    if (isCut) socket.pause();
  };
  const relay = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    keep(client);
    keep(upstream);
    const pass = (from: Socket, target: Socket): void => {
      from.on('data', (chunk) => {
        if (!isCut) target.write(chunk);
      });
      from.once('close', () => target.destroy());
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', () => resolve()));
  const address = relay.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      // What was dropped is lost: these connections are of no use.
      for (const socket of sockets) socket.destroy();
    },
    close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
