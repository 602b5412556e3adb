// The body of `POST /bootstrap`: what kuma-dp says of itself before Envoy runs. Everything is checked; unknown fields are passed over,
// because newer proxies may say more.
import { MeshError, type Violation } from '@ursa/resources';

/** A parsed request (reference s9). Absent texts are '', absent numbers 0. */
export interface BootstrapRequest {
  readonly mesh: string;
  readonly name: string;
  readonly proxyType: 'dataplane' | 'ingress' | 'egress';
  readonly dataplaneToken: string;
  readonly dataplaneTokenPath: string;
  /** The proxy's resource as a document, when it registers itself. */
  readonly dataplaneResource: string;
  readonly version: {
    readonly kumaDp: Readonly<Record<string, string>>;
    readonly envoy: Readonly<Record<string, string | boolean>>;
  };
  /** PEM; the authority the proxy was told to trust. */
  readonly caCert: string;
  readonly dynamicMetadata: Readonly<Record<string, string>>;
  readonly dnsPort: number;
  readonly readinessPort: number;
  readonly appProbeProxyEnabled: boolean;
  readonly operatingSystem: string;
  readonly features: readonly string[];
  readonly maxHeapSizeBytes: number;
  readonly workdir: string;
  readonly metricsCertPath: string;
  readonly metricsKeyPath: string;
  readonly systemCaPath: string;
  readonly ipv6Enabled: boolean;
  readonly spireSocketPath: string;
  readonly machineId: string;
  /** Passed on to the node's metadata as it is. */
  readonly transparentProxy: object | undefined;
  readonly otelEnv: object | undefined;
}

type Fields = Readonly<Record<string, unknown>>;
type ProxyType = BootstrapRequest['proxyType'];

const proxyTypes: readonly ProxyType[] = ['dataplane', 'ingress', 'egress'];
const longestText = 4096;
const longestDocument = 512 * 1024;
const mostEntries = 256;
const deepestValue = 32;
const mostValues = 4096;

/** Parses the body. Throws `MeshError`: 'malformed' when it is no JSON object, 'invalid' with the fields that are wrong. */
export function parseBootstrapRequest(body: Uint8Array): BootstrapRequest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new MeshError('malformed', 'the body of a bootstrap request must be a JSON object');
  }
  if (!isFields(json)) throw new MeshError('malformed', 'the body of a bootstrap request must be a JSON object');
  const read = readerOf(json, '');
  const version = read.fields('version');
  const resources = read.fields('resources');
  const metrics = read.fields('metricsResources');
  const request: BootstrapRequest = {
    mesh: read.text('mesh'),
    name: read.text('name'),
    proxyType: read.oneOf('proxyType', proxyTypes, 'dataplane'),
    dataplaneToken: read.text('dataplaneToken', 4 * longestText),
    dataplaneTokenPath: read.text('dataplaneTokenPath'),
    dataplaneResource: read.text('dataplaneResource', longestDocument),
    version: {
      kumaDp: version.fields('kumaDp').someTexts(['version', 'gitTag', 'gitCommit', 'buildDate']),
      envoy: {
        ...version.fields('envoy').someTexts(['version', 'build']),
        ...(version.fields('envoy').flag('kumaDpCompatible') ? { kumaDpCompatible: true } : {}),
      },
    },
    caCert: read.text('caCert', longestDocument),
    dynamicMetadata: read.textMap('dynamicMetadata'),
    dnsPort: read.port('dnsPort'),
    readinessPort: read.port('readinessPort'),
    // Named when it meant the opposite; `true` has switched the probe proxy on ever since.
    appProbeProxyEnabled: read.flag('appProbeProxyDisabled'),
    operatingSystem: read.text('operatingSystem'),
    features: read.texts('features'),
    maxHeapSizeBytes: resources.count('maxHeapSizeBytes'),
    workdir: read.text('workdir'),
    metricsCertPath: metrics.text('certPath'),
    metricsKeyPath: metrics.text('keyPath'),
    systemCaPath: read.text('systemCaPath'),
    ipv6Enabled: read.flag('ipv6Enabled'),
    spireSocketPath: read.fields('spireResources').text('socketPath'),
    machineId: read.text('machineId'),
    transparentProxy: read.value('dataplaneConfig'),
    otelEnv: read.value('otelEnv'),
  };
  const [first] = read.violations;
  if (first !== undefined) {
    throw new MeshError('invalid', `bootstrap request: ${first.field}: ${first.message}`, {
      violations: read.violations,
    });
  }
  return request;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads fields of an object and collects what is wrong with them. */
function readerOf(from: Fields, path: string, violations: Violation[] = []) {
  const get = (key: string): unknown => (Object.hasOwn(from, key) ? (from[key] ?? undefined) : undefined);
  const wrong = (key: string, message: string): void => {
    violations.push({ field: `${path}${key}`, message });
  };
  const text = (key: string, limit = longestText): string => {
    const value = get(key) ?? '';
    if (typeof value !== 'string') wrong(key, 'must be a string');
    else if (value.length > limit) wrong(key, `must not be longer than ${limit} characters`);
    else if (value.includes('\0')) wrong(key, 'must not contain NUL');
    else return value;
    return '';
  };
  const number = (key: string, most: number): number => {
    const value = get(key) ?? 0;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
    wrong(key, `must be a whole number from 0 to ${most}`);
    return 0;
  };
  return {
    violations,
    text,
    port: (key: string) => number(key, 65_535),
    count: (key: string) => number(key, Number.MAX_SAFE_INTEGER),
    flag(key: string): boolean {
      const value = get(key) ?? false;
      if (typeof value !== 'boolean') wrong(key, 'must be true or false');
      return value === true;
    },
    oneOf<Value extends string>(key: string, values: readonly Value[], otherwise: Value): Value {
      const given = text(key) || otherwise;
      const value = values.find((candidate) => candidate === given);
      if (value === undefined) wrong(key, `must be one of ${values.join(', ')}`);
      return value ?? otherwise;
    },
    texts(key: string): readonly string[] {
      const value = get(key) ?? [];
      if (Array.isArray(value) && value.length <= mostEntries && value.every(isShortText)) return value;
      wrong(key, `must be a list of at most ${mostEntries} strings`);
      return [];
    },
    textMap(key: string): Readonly<Record<string, string>> {
      const value = get(key) ?? {};
      const entries = isFields(value) && Object.keys(value).length <= mostEntries ? Object.entries(value) : undefined;
      const fits = entries?.flat().every(isShortText) === true;
      if (!fits) wrong(key, `must be an object with at most ${mostEntries} strings`);
      return fits ? (Object.fromEntries(entries) as Record<string, string>) : {};
    },
    someTexts(keys: readonly string[]): Record<string, string> {
      return Object.fromEntries(keys.map((key) => [key, text(key)]).filter(([, value]) => value !== ''));
    },
    fields(key: string) {
      const value = get(key) ?? {};
      if (!isFields(value)) wrong(key, 'must be an object');
      return readerOf(isFields(value) ? value : {}, `${path}${key}.`, violations);
    },
    value(key: string): object | undefined {
      const value = get(key);
      if (value === undefined) return undefined;
      if (isFields(value) && isSmall(value)) return value;
      wrong(key, `must be an object of at most ${deepestValue} levels and ${mostValues} values`);
      return undefined;
    },
  };
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestText;
}

/** Whether a value is neither too deep nor too large; stops looking once it is. */
function isSmall(value: object): boolean {
  let values = 0;
  const fits = (item: unknown, depth: number): boolean => {
    if (++values > mostValues || depth > deepestValue) return false;
    return typeof item !== 'object' || item === null || Object.values(item).every((inner) => fits(inner, depth + 1));
  };
  return fits(value, 0);
}
