// A host with an application and its proxy: kuma-dp, Envoy, and what the applications of others are called by.
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { processesWith } from '../../e2e/harness/processes.ts';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from './control-plane.ts';
import type { Host } from './hosts.ts';

/** An application with its proxy. */
export interface ServiceHost {
  readonly host: Host;
  readonly name: string;
  readonly app: ChildProcess;
  /** kuma-dp, as it runs now. */
  proxy(): ChildProcess;
  /** Process id of its Envoy. */
  envoyPid(): number;
  /** Starts kuma-dp (again) and waits until Envoy has its configuration. `wrap`: words before the program. */
  start(wrap?: readonly string[]): Promise<void>;
  /** kill -9 of kuma-dp and Envoy together. */
  killProxy(): Promise<void>;
  /** A call of Envoy's admin interface. */
  admin(path: string): Promise<string>;
  /** Whether Envoy has a stream to a control plane. */
  connected(): Promise<boolean>;
  /** Addresses of the healthy endpoints that Envoy has of a service. */
  endpointsOf(service: string): Promise<readonly string[]>;
}

/** What one is started with. */
export interface ServiceHostOptions {
  readonly host: Host;
  /** Program and leading arguments of kuma-dp. */
  readonly command: readonly string[];
  readonly controlPlane: ControlPlaneHost;
  /** For another address than that of the control plane itself. */
  readonly dataPlaneUrl?: string;
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly wrap?: readonly string[];
}

/** Services, by the port on which their applications listen and on which clients find them. */
export const ports = {
  backend: { app: 8080, inbound: 9080, outbound: 10080 },
  stream: { app: 8081, inbound: 9081, outbound: 10081 },
} as const;

const startPatience = 30_000;

/** The Dataplane of a host: two inbounds for a backend, two outbounds for a client. */
export function dataplaneOf(host: Host): ResourceDocument {
  const isClient = host.name.startsWith('client');
  const inbound = (
    service: string,
    { app, inbound: port }: (typeof ports)['backend' | 'stream'],
    protocol: string,
  ) => ({
    port,
    servicePort: app,
    serviceAddress: '127.0.0.1',
    tags: { 'kuma.io/service': service, 'kuma.io/protocol': protocol },
  });
  const networking = isClient
    ? {
        inbound: [inbound('client', ports.backend, 'http')],
        outbound: [
          { port: ports.backend.outbound, tags: { 'kuma.io/service': 'backend' } },
          { port: ports.stream.outbound, tags: { 'kuma.io/service': 'stream' } },
        ],
      }
    : { inbound: [inbound('backend', ports.backend, 'http'), inbound('stream', ports.stream, 'grpc')] };
  return { type: 'Dataplane', mesh: 'default', name: host.name, networking: { address: host.address, ...networking } };
}

/** Starts the application and its proxy. */
export async function startServiceHost(options: ServiceHostOptions): Promise<ServiceHost> {
  const { host, folder, controlPlane } = options;
  const { name } = host;
  const [program = '', ...leading] = host.command([process.execPath, join(import.meta.dirname, 'app.ts')]);
  const app = startProcess({
    name: `app ${name}`,
    command: [program, ...leading],
    args: [name, String(ports.backend.app), String(ports.stream.app)],
  });
  const workDir = join(folder, name);
  const tokenFile = join(folder, `${name}.token`);
  const dataplaneFile = join(folder, `${name}.yaml`);
  writeFileSync(tokenFile, await controlPlane.dataplaneToken(name), { mode: 0o600 });
  writeFileSync(dataplaneFile, JSON.stringify(dataplaneOf(host)));
  const admin = (path: string): Promise<string> => askAdmin(join(workDir, 'kuma-envoy-admin.sock'), path);
  let proxy: ChildProcess | undefined;
  const running = (): ChildProcess => {
    if (proxy === undefined) throw new Error(`kuma-dp on ${name} was not started`);
    return proxy;
  };
  const envoyPid = (): number => {
    const pid = processesWith(join(workDir, 'bootstrap.yaml'))[0];
    if (pid === undefined) throw new Error(`there is no Envoy on ${name}`);
    return pid;
  };
  const service: ServiceHost = {
    host,
    name,
    app,
    proxy: running,
    envoyPid,
    async start(wrap = options.wrap ?? []) {
      const child = startProcess({
        name: `kuma-dp ${name}`,
        command: host.command([...wrap, ...options.command]),
        args: [
          'run',
          ...['--cp-address', options.dataPlaneUrl ?? controlPlane.dataPlaneUrl],
          ...['--ca-cert-file', controlPlane.caCertFile],
          ...['--dataplane-file', dataplaneFile],
          ...['--dataplane-token-file', tokenFile],
          ...['--work-dir', workDir],
          ...['--envoy-log-level', 'warning'],
          ...['--concurrency', '1'],
          ...['--drain-time', '10s'],
        ],
        environment: { KUMA_CONTROL_PLANE_RETRY_BACKOFF: '500ms', ...options.environment },
      });
      proxy = child;
      try {
        await waitFor(`${name} is ready`, async () => !child.running() || (await admin('/ready')).includes('LIVE'), {
          within: startPatience,
        });
        if (!child.running()) throw new Error('it ended at its start');
      } catch (cause) {
        await child.stop();
        throw new Error(`kuma-dp on ${name} did not start:\n${child.output()}`, { cause });
      }
    },
    async killProxy() {
      process.kill(envoyPid(), 'SIGKILL');
      running().signal('SIGKILL');
      await running().exited;
    },
    admin,
    connected: async () => (await admin('/stats?filter=control_plane.connected_state')).includes('connected_state: 1'),
    async endpointsOf(destination) {
      const { cluster_statuses: clusters = [] }: ClusterPage = JSON.parse(await admin('/clusters?format=json'));
      const found = clusters.find(({ name: cluster }) => cluster === destination);
      return (found?.host_statuses ?? [])
        .filter(({ health_status: health }) => health?.eds_health_status === 'HEALTHY')
        .map(({ address }) => address?.socket_address?.address ?? '');
    },
  };
  await service.start();
  return service;
}

interface ClusterPage {
  readonly cluster_statuses?: readonly {
    readonly name: string;
    readonly host_statuses?: readonly {
      readonly address?: { readonly socket_address?: { readonly address?: string } };
      readonly health_status?: { readonly eds_health_status?: string };
    }[];
  }[];
}

function askAdmin(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, headers: { host: 'localhost' }, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve(text));
    });
    call.on('timeout', () => call.destroy(new Error('Envoy does not answer')));
    call.on('error', reject);
    call.end();
  });
}
