// OpenTelemetry's standard variables about collectors (OpenTelemetry, "OTLP exporter configuration"), as the control plane is told of them: where
// telemetry goes, and of all else only that it is set. Headers hold credentials: what they say never leaves this process.
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { isDnsName, isIp } from '@ursa/resources';

/** Of a bootstrap request, `otelEnv`. The flags are the peers'; `settings` is read by control planes of this project. */
export interface CollectorInventory {
  readonly shared?: ReportedVariables;
  readonly traces?: ReportedVariables;
  readonly logs?: ReportedVariables;
  readonly metrics?: ReportedVariables;
  /** `<layer>.<field>` of variables that cannot be used. */
  readonly validationErrors?: readonly string[];
}

/** The variables of one prefix: a flag for each that is set, and what those that may be told say. */
export type ReportedVariables = Readonly<Record<string, unknown>> & { readonly settings?: CollectorSettings };

/** What variables say. */
export interface CollectorSettings {
  readonly endpoint?: { readonly tls?: boolean; readonly host: string; readonly port?: number; readonly path: string };
  readonly protocol?: 'grpc' | 'http/protobuf';
  readonly timeoutMilliseconds?: number;
  readonly insecure?: boolean;
  /** Absolute paths; Envoy reads the files itself. */
  readonly certificate?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/** What was read: `inventory` is undefined where nothing is set. `problems` name the variable and what it should hold, never its value. */
export interface ReadCollectorEnvironment {
  readonly inventory: CollectorInventory | undefined;
  readonly problems: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const layers = ['shared', 'traces', 'logs', 'metrics'] as const;
type Layer = (typeof layers)[number];

const longestPath = 1024;

/** Reads the variables. `canRead`: whether Envoy could read a file. */
export function readCollectorEnvironment(
  environment: Environment,
  canRead: (path: string) => boolean = isReadable,
): ReadCollectorEnvironment {
  const problems: string[] = [];
  const errors: string[] = [];
  const reported = layers.flatMap((layer): [Layer, ReportedVariables][] => {
    const prefix = layer === 'shared' ? 'OTEL_EXPORTER_OTLP_' : `OTEL_EXPORTER_OTLP_${layer.toUpperCase()}_`;
    const variables = readLayer({
      get: (name) => environment[`${prefix}${name}`]?.trim() ?? '',
      refuse(field, name, expected) {
        errors.push(`${layer}.${field}`);
        problems.push(`${prefix}${name}: expected ${expected}`);
      },
      layer,
      canRead,
    });
    return variables === undefined ? [] : [[layer, variables]];
  });
  const inventory: CollectorInventory = {
    ...Object.fromEntries(reported),
    ...(errors.length === 0 ? {} : { validationErrors: errors }),
  };
  return { inventory: reported.length === 0 ? undefined : inventory, problems };
}

interface LayerReader {
  readonly layer: Layer;
  /** '' for a variable that is not set. */
  get(name: string): string;
  refuse(field: string, name: string, expected: string): void;
  canRead(path: string): boolean;
}

function readLayer({ layer, get, refuse, canRead }: LayerReader): ReportedVariables | undefined {
  const read = <Value>(field: string, name: string, expected: string, parse: (text: string) => Value | undefined) => {
    const text = get(name);
    if (text === '') return {};
    const value = parse(text);
    if (value === undefined) refuse(field, name, expected);
    return value === undefined ? {} : { [field]: value };
  };
  const fileOf = (text: string) => (canRead(resolve(text)) ? resolve(text) : undefined);
  const file = (field: string, name: string) => read(field, name, 'the path of a file that Envoy can read', fileOf);
  const suffix = layer === 'shared' ? '' : `/v1/${layer}`;
  const client = { ...file('clientCertificate', 'CLIENT_CERTIFICATE'), ...file('clientKey', 'CLIENT_KEY') };
  if ((get('CLIENT_CERTIFICATE') === '') !== (get('CLIENT_KEY') === '')) {
    refuse(
      'mtls',
      get('CLIENT_KEY') === '' ? 'CLIENT_KEY' : 'CLIENT_CERTIFICATE',
      'a path, because the other of the pair is set',
    );
  }
  const timeout: { timeout?: number } = read('timeout', 'TIMEOUT', 'a number of milliseconds above 0', (text) =>
    /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined,
  );
  const settings = {
    ...read('endpoint', 'ENDPOINT', expectedEndpoint(suffix), (text) => parseEndpoint(text, suffix)),
    ...read('protocol', 'PROTOCOL', 'grpc or http/protobuf', (text) =>
      ['grpc', 'http/protobuf'].find((known) => known === text),
    ),
    ...(timeout.timeout === undefined ? {} : { timeoutMilliseconds: timeout.timeout }),
    ...read('insecure', 'INSECURE', 'true or false', (text) => ({ true: true, false: false })[text.toLowerCase()]),
    ...file('certificate', 'CERTIFICATE'),
    ...(Object.keys(client).length === 2 ? client : {}),
  };
  const flags = Object.entries(presence).flatMap(([name, flag]) => (get(name) === '' ? [] : [[flag, true]]));
  if (flags.length === 0) return undefined;
  return { ...Object.fromEntries(flags), ...(Object.keys(settings).length === 0 ? {} : { settings }) };
}

const presence: Readonly<Record<string, string>> = {
  ENDPOINT: 'endpointPresent',
  PROTOCOL: 'protocolPresent',
  HEADERS: 'headersPresent',
  TIMEOUT: 'timeoutPresent',
  COMPRESSION: 'compressionPresent',
  INSECURE: 'insecurePresent',
  CERTIFICATE: 'certificatePresent',
  CLIENT_CERTIFICATE: 'clientCertificatePresent',
  CLIENT_KEY: 'clientKeyPresent',
};

function expectedEndpoint(suffix: string): string {
  const path = suffix === '' ? '' : ` whose path, if it has one, ends with ${suffix}`;
  return `host:port or a URL with http:// or https://${path}, without credentials, query and fragment`;
}

// A query and a user are where credentials stand in URLs: neither is told, so neither is taken.
function parseEndpoint(text: string, suffix: string): CollectorSettings['endpoint'] {
  const [, scheme = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/i.exec(text) ?? [];
  if (!['', 'http', 'https'].includes(scheme.toLowerCase())) return undefined;
  // With a scheme that has no usual port, a port that is given is kept.
  const address = `otlp://${rest}`;
  if (!URL.canParse(address) || /[?#\\]/.test(rest)) return undefined;
  const { hostname, port, pathname, username, password } = new URL(address);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (username !== '' || password !== '' || rest.includes('@') || port === '0') return undefined;
  if (!isIp(host) && !isDnsName(host)) return undefined;
  const whole = pathname.replace(/\/+$/, '');
  if (whole !== '' && !whole.endsWith(suffix)) return undefined;
  const path = suffix === '' ? whole : whole.slice(0, -suffix.length);
  if (path.length > longestPath) return undefined;
  return {
    ...(scheme === '' ? {} : { tls: scheme.toLowerCase() === 'https' }),
    ...{ host, path },
    ...(port === '' ? {} : { port: Number(port) }),
  };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
