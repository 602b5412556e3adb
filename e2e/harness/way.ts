// The way of proxies to their control plane, which a story can cut: whoever is cut off is between two connections until it is mended.
import { connect, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import type { ControlPlane } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type MeshService, openWorld, type World } from './world.ts';

/** A way that is open. */
export interface Way {
  /** For the control plane, so that proxies take it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Says where it ends; before the first proxy starts. */
  leadTo(controlPlane: ControlPlane): void;
  /** Connections that are open. */
  connections(): ReadonlySet<Socket>;
  /** Cuts all connections but these, and lets no new one through. */
  cutAllBut(kept: ReadonlySet<Socket>): void;
  /** Cuts all connections and lets none through. Resolves when these services are offline. */
  cut(...services: readonly Pick<MeshService, 'name'>[]): Promise<void>;
  mend(): void;
  close(): void;
}

/** A world whose proxies reach the control plane by a way. Both end with the test file. */
export async function openWorldByWay(): Promise<{ readonly way: Way; readonly world: World }> {
  const way = await openWay();
  after(() => way.close());
  const world = await openWorld(way.settings);
  after(() => world.close());
  way.leadTo(world.controlPlane);
  return { way, world };
}

/** Opens it at a port of its own. */
async function openWay(): Promise<Way> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let end: ControlPlane | undefined;
  const server = createServer((proxy) => {
    if (isCut || end === undefined) {
      proxy.destroy();
      return;
    }
    const ends = [proxy, connect(Number(new URL(end.dataPlaneUrl).port), '127.0.0.1')] as const;
    for (const socket of ends) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        for (const each of ends) each.destroy();
      });
    }
    const [near, far] = ends;
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const isOffline = async (name: string): Promise<boolean> => {
    if (end === undefined) return true;
    const { json } = await end.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
    const { dataplaneInsight } = json as { readonly dataplaneInsight: { readonly subscriptions: readonly object[] } };
    return dataplaneInsight.subscriptions.every((subscription) => 'disconnectTime' in subscription);
  };
  const cutAllBut = (kept: ReadonlySet<Socket>): void => {
    isCut = true;
    for (const socket of sockets) if (!kept.has(socket)) socket.destroy();
  };
  return {
    settings: {
      KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_PORT: String(typeof address === 'object' && address !== null ? address.port : 0),
    },
    leadTo(controlPlane) {
      end = controlPlane;
    },
    connections: () => new Set(sockets),
    cutAllBut,
    async cut(...services) {
      cutAllBut(new Set());
      for (const { name } of services) await waitFor(`${name} is offline`, () => isOffline(name));
    },
    mend() {
      isCut = false;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
