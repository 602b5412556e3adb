// What `env` of a MeshOpenTelemetryBackend comes to on one proxy: its fields and the variables of the proxy's kuma-dp, joined to a collector. Pure.
import type { Collector, CollectorTls, Signal } from '@ursa/policy';
import type { MeshOpenTelemetryBackendSpec, Resource } from '@ursa/resources';

/** Fields of a collector that variables name, as kuma-dp calls them. */
export type CollectorField =
  | 'endpoint'
  | 'protocol'
  | 'headers'
  | 'timeout'
  | 'insecure'
  | 'certificate'
  | 'clientCertificate'
  | 'clientKey';

/** What the variables of one prefix say: those for all signals, or those for one. */
export interface CollectorVariables {
  readonly endpoint?: NamedEndpoint;
  readonly protocol?: Collector['protocol'];
  /** Milliseconds. */
  readonly timeout?: number;
  readonly insecure?: boolean;
  /** Files on the proxy's host. */
  readonly certificate?: string;
  readonly client?: NonNullable<CollectorTls['client']>;
  /** Fields that are set and whose values its kuma-dp keeps to itself. */
  readonly kept: readonly CollectorField[];
  /** Fields that are set and cannot be used. */
  readonly wrong: readonly CollectorField[];
}

/** Where a variable says the collector is. */
export interface NamedEndpoint {
  /** Undefined where it names no scheme. */
  readonly tls?: boolean;
  readonly host: string;
  readonly port?: number;
  /** What paths at the collector start with; '' for none. */
  readonly path: string;
}

/** The variables of a proxy's kuma-dp about collectors. */
export interface CollectorEnvironment {
  readonly shared?: CollectorVariables;
  readonly logs?: CollectorVariables;
  readonly metrics?: CollectorVariables;
  readonly traces?: CollectorVariables;
  /** File with the authorities that the proxy's host trusts; '' where it has none. */
  readonly systemCaPath: string;
}

/** Of a proxy whose kuma-dp says nothing about collectors. */
export const noEnvironment: CollectorEnvironment = { systemCaPath: '' };

/** A collector, or why there is none: variables that it needs are not there, or nothing says whose certificates to trust. */
export interface ResolvedCollector {
  readonly collector?: Collector;
  readonly lacks?: 'variables' | 'authorities';
}

/** Ports on which collectors listen when their resource does not say. */
const usualPorts = { grpc: 4317, http: 4318 } as const;

/** True for a collector that the environment of a proxy may change. */
export function takesEnvironment({ spec }: Resource): boolean {
  return modeOf(spec) !== 'Disabled';
}

/** True for a collector to which nothing is sent from proxies without variables about it. */
export function needsEnvironment({ spec }: Resource): boolean {
  return modeOf(spec) === 'Required';
}

/** The layers of variables that a collector takes for a signal, the strongest first. */
export function layersFor(
  { spec }: Resource,
  signal: Signal,
  environment: CollectorEnvironment,
): readonly CollectorVariables[] {
  const { env } = spec as MeshOpenTelemetryBackendSpec;
  if (modeOf(spec) === 'Disabled') return [];
  const own = (env?.allowSignalOverrides ?? true) ? environment[signal] : undefined;
  return [own, environment.shared].filter((layer) => layer !== undefined);
}

/** The collector that a resource and an environment name together. Without one of its own it is the one on the proxy's host. */
export function resolveCollector(
  backend: Resource,
  signal: Signal,
  environment: CollectorEnvironment,
): ResolvedCollector {
  const { endpoint: explicit = {}, protocol: given, env } = backend.spec as MeshOpenTelemetryBackendSpec;
  const layers = layersFor(backend, signal, environment);
  if (needsEnvironment(backend) && !isComplete(layers)) return { lacks: 'variables' };
  const pick = <Field extends keyof CollectorVariables>(field: Field): CollectorVariables[Field] | undefined =>
    layers.find((layer) => layer[field] !== undefined)?.[field];
  const explicitFirst = env?.precedence === 'ExplicitFirst';
  const named = pick('protocol');
  const protocol = (explicitFirst ? (given ?? named) : (named ?? given)) ?? 'grpc';
  const insecure = pick('insecure') ?? true;
  const variable = explicitFirst && explicit.address !== undefined ? undefined : pick('endpoint');
  const { address = '127.0.0.1', port = usualPorts[protocol], path = '' } = explicit;
  const server =
    variable === undefined
      ? { host: address, port, path: path.replace(/\/+$/, ''), tls: !insecure }
      : serverOf(variable, protocol, insecure);
  const timeout = pick('timeout');
  const collector: Collector = {
    ...{ name: backend.name, host: server.host, port: server.port, protocol },
    path: protocol === 'grpc' ? '' : server.path,
    ...(timeout === undefined ? {} : { timeout }),
  };
  if (!server.tls) return { collector };
  const trusted = pick('certificate') ?? environment.systemCaPath;
  if (trusted === '') return { lacks: 'authorities' };
  const client = pick('client');
  return { collector: { ...collector, tls: { trusted, ...(client === undefined ? {} : { client }) } } };
}

function modeOf(spec: Resource['spec']): 'Disabled' | 'Optional' | 'Required' {
  return (spec as MeshOpenTelemetryBackendSpec).env?.mode ?? 'Optional';
}

// A collector that insists on variables gets nothing as long as any of them is wrong: it is unknown what was meant.
function isComplete(layers: readonly CollectorVariables[]): boolean {
  const says = ({ kept, wrong, ...usable }: CollectorVariables): boolean => Object.keys(usable).length > 0;
  return layers.some(says) && layers.every(({ wrong }) => wrong.length === 0);
}

// An URL names its port, if only by its scheme; a bare host means the port of the protocol.
function serverOf({ tls, host, port, path }: NamedEndpoint, protocol: Collector['protocol'], insecure: boolean) {
  const usual = tls === undefined ? usualPorts[protocol] : tls ? 443 : 80;
  return { host, port: port ?? usual, path, tls: tls ?? !insecure };
}
