// Where a collector is, as OpenTelemetry's standard variables say it (OpenTelemetry, "OTLP exporter configuration").
import { readFileSync } from 'node:fs';
import type { Attribute } from './attributes.ts';
import type { Collector, Signal } from './deliver.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A collector that somebody named, and what is to be told of the program. */
export interface NamedCollector extends Collector {
  /** For messages: without path, headers and whatever else may be secret. */
  readonly shown: string;
}

/** What stands in for variables that are not set. */
export interface CollectorDefaults {
  /** `host:port` or an URL; without a scheme it is spoken to without TLS. */
  readonly endpoint?: string | undefined;
}

/**
 * The collector for a signal; undefined when none is named. gRPC is spoken unless `OTEL_EXPORTER_OTLP_PROTOCOL` says `http/protobuf`.
 * Errors: `Error` that names the variable and what it should hold, never its value.
 */
export function collectorOf(
  env: Environment,
  signal: Signal,
  defaults: CollectorDefaults = {},
): NamedCollector | undefined {
  if (env.OTEL_SDK_DISABLED === 'true') return undefined;
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_`;
  const read = (name: string) => {
    const found = [`${own}${name}`, `OTEL_EXPORTER_OTLP_${name}`].find((key) => (env[key] ?? '') !== '');
    return found === undefined ? undefined : { name: found, value: env[found] ?? '' };
  };
  const named = read('ENDPOINT');
  const endpoint = named?.value ?? defaults.endpoint ?? '';
  if (endpoint === '') return undefined;
  const insecure = named === undefined || read('INSECURE')?.value === 'true';
  const url = urlOf(endpoint, insecure, named?.name ?? 'the endpoint');
  const protocol = protocolOf(read('PROTOCOL'));
  const certificate = read('CERTIFICATE');
  const timeout = read('TIMEOUT');
  const base = url.pathname.replace(/\/$/, '');
  const suffix = `/v1/${signal}`;
  const isWhole = named?.name === `${own}ENDPOINT` && protocol === 'http';
  if (isWhole && !base.endsWith(suffix)) throw new Error(`${named.name}: expected a URL that ends with ${suffix}`);
  return {
    at: {
      origin: url.origin,
      ...(certificate === undefined ? {} : { certificate: readCertificate(certificate) }),
    },
    protocol,
    path: isWhole ? base.slice(0, -suffix.length) : base,
    headers: headersOf(read('HEADERS')),
    ...(timeout === undefined ? {} : { timeout: millisecondsOf(timeout) }),
    shown: url.host,
  };
}

/** How often metrics are sent, in milliseconds. */
export function exportInterval(env: Environment): number {
  const value = env.OTEL_METRIC_EXPORT_INTERVAL ?? '';
  return value === '' ? 60_000 : millisecondsOf({ name: 'OTEL_METRIC_EXPORT_INTERVAL', value });
}

/** What is told of the program: its name, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` before the defaults. */
export function resourceAttributes(
  env: Environment,
  defaults: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  const given = pairsOf({ name: 'OTEL_RESOURCE_ATTRIBUTES', value: env.OTEL_RESOURCE_ATTRIBUTES ?? '' });
  const service = env.OTEL_SERVICE_NAME ?? '';
  const all = { ...defaults, ...given, ...(service === '' ? {} : { 'service.name': service }) };
  return Object.entries(all) satisfies readonly Attribute[];
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

function urlOf(endpoint: string, insecure: boolean, name: string): URL {
  const text = /^https?:\/\//.test(endpoint) ? endpoint : `${insecure ? 'http' : 'https'}://${endpoint}`;
  if (!URL.canParse(text)) throw new Error(`${name}: expected a URL or host:port of a collector`);
  return new URL(text);
}

function protocolOf(variable: Variable | undefined): Collector['protocol'] {
  if (variable === undefined || variable.value === 'grpc') return 'grpc';
  if (variable.value === 'http/protobuf') return 'http';
  throw new Error(`${variable.name}: expected grpc or http/protobuf`);
}

function readCertificate({ name, value }: Variable): string {
  try {
    return readFileSync(value, 'utf8');
  } catch (cause) {
    throw new Error(`${name}: cannot read ${value}`, { cause });
  }
}

function millisecondsOf({ name, value }: Variable): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new Error(`${name}: expected a number of milliseconds above 0`);
  return Number(value);
}

function headersOf(variable: Variable | undefined): Readonly<Record<string, string>> {
  if (variable === undefined) return {};
  return Object.fromEntries(Object.entries(pairsOf(variable)).map(([key, value]) => [key.toLowerCase(), value]));
}

/** `name=value,name=value`, percent-encoded. */
function pairsOf({ name, value }: Variable): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = {};
  for (const part of value.split(',')) {
    if (part.trim() === '') continue;
    const [key = '', ...rest] = part.split('=');
    try {
      if (rest.length === 0 || key.trim() === '') throw new Error('no pair');
      pairs[key.trim()] = decodeURIComponent(rest.join('=').trim());
    } catch {
      throw new Error(`${name}: expected name=value, percent-encoded and separated by commas`);
    }
  }
  return pairs;
}
