// A world of its own for each story: a control plane, services and their proxies on free ports, files in one folder; all gone at the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, type ResourceDocument, startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type Programs, programsOf, type Runtime } from '../../examples/demo/programs.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type EchoService, openEchoService } from './echo-service.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';

/** The programs under test; `npm run e2e -- --runtime dist` sets the variable. */
export const programs: Programs = programsOf((process.env.URSA_E2E_RUNTIME ?? 'node') as Runtime);

// The runner ends a test that takes too long with this signal; then what it started has to go too.
process.once('SIGTERM', () => process.exit(143));

/** A service behind its proxy. */
export interface MeshService {
  readonly name: string;
  readonly echo: EchoService;
  /** The proxy that runs now. */
  readonly proxy: RunningProxy;
  readonly inboundPort: number;
  /** Where the service reaches another one through its proxy. */
  urlOf(destination: string): string;
  /** Ends the proxy and starts it again, on the same ports. */
  restart(): Promise<void>;
  portOf(destination: string): number;
  /** A GET or POST to Envoy's admin interface. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
}

/** What a service is started with; ports are found. */
export interface ServiceOptions extends Partial<Omit<ProxyOptions, 'outbounds' | 'service' | 'name'>> {
  /** Name of the service; its proxy is `<service>-<number>`. */
  readonly service: string;
  /** Services that it calls. */
  readonly calls?: readonly string[];
}

/** A story's world. */
export interface World {
  readonly folder: string;
  readonly controlPlane: ControlPlane;
  start(options: ServiceOptions): Promise<MeshService>;
  /** Steady traffic, which ends with the world at the latest. */
  load(options: LoadOptions): Load;
  close(): Promise<void>;
}

/** Mutual TLS on the mesh `default`. */
export function meshWith(mode: 'STRICT' | 'PERMISSIVE'): ResourceDocument {
  return {
    type: 'Mesh',
    name: 'default',
    mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin', mode }] },
  };
}

/** A permission for clients of one service to reach all others. */
export function allow(client: string): ResourceDocument {
  const from = [
    { targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': client } }, default: { action: 'Allow' } },
  ];
  return {
    type: 'MeshTrafficPermission',
    mesh: 'default',
    name: `allow-${client}`,
    spec: { targetRef: { kind: 'Mesh' }, from },
  };
}

/** Everybody may reach everybody. */
export const allowAll: ResourceDocument = policy('MeshTrafficPermission', 'allow-all', {
  targetRef: { kind: 'Mesh' },
  from: [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }],
});

/** A policy of the mesh `default`. */
export function policy(type: string, name: string, spec: object): ResourceDocument {
  return { type, mesh: 'default', name, spec };
}

/**
 * Starts a control plane for a story. `environment` are its settings. With `meshServices` services are called by their MeshService. `loopback`: where
 * the control plane is asked.
 */
export async function openWorld(
  environment: Readonly<Record<string, string>> = {},
  meshServices = false,
  loopback = '127.0.0.1',
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-e2e-'));
  const ends: (() => Promise<void>)[] = [];
  const controlPlane = await startControlPlane({
    command: programs.controlPlane,
    folder,
    usualPorts: false,
    environment,
    loopback,
  });
  let count = 0;
  const meshServicePorts: Record<string, number> = {};
  return {
    folder,
    controlPlane,
    async start({ service, calls = [], ...options }) {
      count += 1;
      const name = options.folder === undefined ? `${service}-${count}` : service;
      const echo = await openEchoService(name);
      ends.push(() => echo.close());
      // A MeshService has one port: its further instances are told apart by address.
      const address = meshServicePorts[service] === undefined ? '127.0.0.1' : `127.0.0.${count}`;
      const inboundPort = meshServicePorts[service] ?? (await freePort());
      if (meshServices) meshServicePorts[service] = inboundPort;
      const outbounds: Record<string, number> = {};
      for (const destination of [...calls, ...(options.outside ?? [])]) outbounds[destination] = await freePort();
      const startAgain = () =>
        startProxy({
          command: programs.dataPlane,
          controlPlane,
          folder,
          name,
          service,
          servicePort: echo.port,
          address,
          inboundPort,
          outbounds,
          meshServicePorts,
          ...options,
        });
      let proxy = await startAgain();
      // A test may have ended it already, or killed it.
      ends.push(() => endQuickly(proxy));
      return {
        name,
        echo,
        get proxy() {
          return proxy;
        },
        inboundPort,
        urlOf: (destination) => `http://127.0.0.1:${outbounds[destination]}`,
        portOf: (destination) => outbounds[destination] ?? 0,
        async restart() {
          await endQuickly(proxy);
          proxy = await startAgain();
        },
        admin: (path, method = 'GET') => askAdmin(proxy.workDir, path, method),
      };
    },
    load(options) {
      const load = startLoad(options);
      ends.push(async () => void (await load.stop()));
      return load;
    },
    async close() {
      await Promise.all(ends.map((end) => end()));
      await controlPlane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A world whose mesh has mutual TLS, lets everybody reach everybody, and has no other policy. */
export async function openPolicyWorld(): Promise<World> {
  const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' }, true);
  const meshServices = { mode: 'Exclusive' };
  await world.controlPlane.apply({ ...meshWith('STRICT'), meshServices, skipCreatingInitialPolicies: ['*'] });
  await world.controlPlane.apply(allowAll);
  return world;
}

/** Waits until a URL answers with a status; gives the body. */
export function answers(url: string, status: number, within = 10_000): Promise<string> {
  return waitFor(
    `${url} answers ${status}`,
    async () => {
      const response = await fetch(url);
      const text = await response.text();
      if (response.status !== status) throw new Error(`it answers ${response.status}: ${text}`);
      return text === '' ? ' ' : text;
    },
    { within },
  );
}

/** Nobody looks at the drain any more: the second signal ends it at once. */
async function endQuickly({ process }: RunningProxy): Promise<void> {
  process.signal('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.signal('SIGTERM');
  await process.stop();
}

/** What Envoy's admin interface answers, by the work directory of its kuma-dp. */
export function askAdmin(workDir: string, path: string, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: join(workDir, 'kuma-envoy-admin.sock'), path, method, headers: { host: 'localhost' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    call.on('error', reject);
    call.end();
  });
}
