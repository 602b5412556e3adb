// A data plane proxy of its own: kuma-dp with Envoy, started for one service on this host.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildProcess, startProcess } from './child-process.ts';
import type { ControlPlane, ResourceDocument } from './control-plane.ts';
import { freePort } from './free-ports.ts';
import { waitFor } from './wait-for.ts';

/** A started proxy. */
export interface RunningProxy {
  readonly name: string;
  readonly process: ChildProcess;
  readonly readinessUrl: string;
  /** Envoy's admin interface is the socket `kuma-envoy-admin.sock` in it. */
  readonly workDir: string;
  stop(): Promise<void>;
}

/** A service and its proxy. */
export interface ProxyOptions {
  /** Program and leading arguments of kuma-dp. */
  readonly command: readonly string[];
  readonly controlPlane: ControlPlane;
  /** For the token and the Dataplane. */
  readonly folder: string;
  readonly name: string;
  readonly mesh?: string;
  readonly service: string;
  /** Port of the service itself; undefined for one that only calls others. */
  readonly servicePort?: number;
  /** Where Envoy takes the service's traffic; `127.0.0.1` when left out. */
  readonly address?: string;
  /** Port on which Envoy takes the service's traffic. */
  readonly inboundPort?: number;
  /** Further tags of its inbound. */
  readonly tags?: Readonly<Record<string, string>>;
  /** What the service speaks; `http` when left out. */
  readonly protocol?: string;
  /** How its inbound is probed, as in a Dataplane. */
  readonly serviceProbe?: Readonly<Record<string, unknown>>;
  /** Local port by destination service. */
  readonly outbounds?: Readonly<Record<string, number>>;
  /** Port of its MeshService, by destination service; destinations that are not in it are named by their tag. */
  readonly meshServicePorts?: Readonly<Record<string, number>>;
  /** Destinations that are MeshExternalServices. */
  readonly outside?: readonly string[];
  readonly drainTime?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly extraArgs?: readonly string[];
  /** Its Dataplane is in the control plane already: it is named, not brought along. */
  readonly known?: boolean;
  /** Used instead of a new token. */
  readonly token?: string;
}

const startPatience = 60_000;

/** Starts a proxy and waits until Envoy has its configuration. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { controlPlane, name, folder, mesh = 'default' } = options;
  const token = options.token ?? (await controlPlane.dataplaneToken(mesh, name));
  const tokenFile = join(folder, `${name}.token`);
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const dataplaneFile = join(folder, `${name}.yaml`);
  writeFileSync(dataplaneFile, JSON.stringify(dataplaneOf(options), undefined, 2));
  const workDir = join(folder, name);
  const readinessPort = await freePort();
  const process = startProcess({
    name: `kuma-dp ${name}`,
    command: options.command,
    args: [
      'run',
      '--cp-address',
      controlPlane.dataPlaneUrl,
      '--ca-cert-file',
      controlPlane.caCertFile,
      ...(options.known === true ? ['--mesh', mesh, '--name', name] : ['--dataplane-file', dataplaneFile]),
      '--dataplane-token-file',
      tokenFile,
      '--work-dir',
      workDir,
      '--envoy-log-level',
      'warning',
      '--concurrency',
      '1',
      '--drain-time',
      options.drainTime ?? '10s',
      ...(options.extraArgs ?? []),
    ],
    environment: { KUMA_READINESS_PORT: String(readinessPort), ...options.environment },
  });
  const readinessUrl = `http://127.0.0.1:${readinessPort}/ready`;
  try {
    await waitFor(`${name} is ready`, async () => !process.running() || (await fetch(readinessUrl)).ok, {
      within: startPatience,
    });
    if (!process.running()) throw new Error('it ended at its start');
  } catch (cause) {
    await process.stop();
    throw new Error(`kuma-dp ${name} did not start:\n${process.output()}`, { cause });
  }
  return { name, process, readinessUrl, workDir, stop: () => process.stop(30_000) };
}

/** The proxy's Dataplane. */
export function dataplaneOf(
  options: Pick<
    ProxyOptions,
    | 'name'
    | 'mesh'
    | 'service'
    | 'servicePort'
    | 'address'
    | 'inboundPort'
    | 'protocol'
    | 'outbounds'
    | 'meshServicePorts'
    | 'outside'
    | 'tags'
    | 'serviceProbe'
  >,
): ResourceDocument {
  const { name, mesh = 'default', service, servicePort, inboundPort, protocol = 'http', outbounds = {} } = options;
  const { address = '127.0.0.1', meshServicePorts = {}, outside = [], serviceProbe } = options;
  const tags = { ...options.tags, 'kuma.io/service': service, 'kuma.io/protocol': protocol };
  // A Dataplane has at least one inbound; a service that only calls others gets one that leads nowhere.
  const inbound = [
    { port: inboundPort ?? 1, servicePort: servicePort ?? 1, serviceAddress: '127.0.0.1', tags, serviceProbe },
  ];
  const destinationOf = (destination: string): object => {
    if (outside.includes(destination)) return { backendRef: { kind: 'MeshExternalService', name: destination } };
    if (meshServicePorts[destination] === undefined) return { tags: { 'kuma.io/service': destination } };
    return { backendRef: { kind: 'MeshService', name: destination, port: meshServicePorts[destination] } };
  };
  const outbound = Object.entries(outbounds).map(([destination, port]) => ({ port, ...destinationOf(destination) }));
  return {
    type: 'Dataplane',
    mesh,
    name,
    labels: { app: service },
    networking: { address, inbound, outbound },
  };
}
