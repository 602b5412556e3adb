// Variables about OpenTelemetry collectors, as a proxy's kuma-dp reports them in `otelEnvInventory` of its xDS node. The proxy's claim: what makes no
// sense counts as wrong, and nothing in it is trusted.
import type { CollectorEnvironment, CollectorField, CollectorVariables, NamedEndpoint } from '@ursa/engine';
import { isDnsName, isIp } from '@ursa/resources';

type Fields = Readonly<Record<string, unknown>>;

/** Fields by the name of the flag that says that their variable is set. */
const flags: Readonly<Record<string, CollectorField>> = {
  endpointPresent: 'endpoint',
  protocolPresent: 'protocol',
  headersPresent: 'headers',
  timeoutPresent: 'timeout',
  insecurePresent: 'insecure',
  certificatePresent: 'certificate',
  clientCertificatePresent: 'clientCertificate',
  clientKeyPresent: 'clientKey',
};

const longestTimeout = 999_999_999;
const longestText = 1024;

/**
 * Parses the report; undefined where no variable is set. Other builds of kuma-dp report which variables are set and not what they say: those are
 * `kept`. What they say has a place of its own, `settings`.
 */
export function parseCollectorEnvironment(value: unknown, systemCaPath: string): CollectorEnvironment | undefined {
  const inventory = fields(value);
  const errors = Array.isArray(inventory.validationErrors)
    ? inventory.validationErrors.filter((error) => typeof error === 'string')
    : [];
  const layer = (name: 'shared' | 'logs' | 'metrics' | 'traces') => {
    const wrong = errors.filter((error) => error.startsWith(`${name}.`)).map((error) => error.slice(name.length + 1));
    const variables = parseVariables(fields(inventory[name]), wrong);
    return variables === undefined ? {} : { [name]: variables };
  };
  const layers = { ...layer('shared'), ...layer('logs'), ...layer('metrics'), ...layer('traces') };
  return Object.keys(layers).length === 0 ? undefined : { ...layers, systemCaPath };
}

function parseVariables(reported: Fields, errors: readonly string[]): CollectorVariables | undefined {
  const settings = fields(reported.settings);
  const { protocol, timeoutMilliseconds, insecure, certificate, clientCertificate, clientKey } = settings;
  const endpoint = parseEndpoint(settings.endpoint);
  const pair = isPath(clientCertificate) && isPath(clientKey);
  const usable: Omit<CollectorVariables, 'kept' | 'wrong'> = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(protocol === 'grpc' || protocol === 'http/protobuf'
      ? { protocol: protocol === 'grpc' ? protocol : 'http' }
      : {}),
    ...(isTimeout(timeoutMilliseconds) ? { timeout: timeoutMilliseconds } : {}),
    ...(typeof insecure === 'boolean' ? { insecure } : {}),
    ...(isPath(certificate) ? { certificate } : {}),
    ...(pair ? { client: { certificate: clientCertificate, key: clientKey } } : {}),
  };
  const known = new Set<string>([...Object.keys(usable), ...(pair ? ['clientCertificate', 'clientKey'] : [])]);
  const named = errors.flatMap((error) => (error === 'mtls' ? ['clientCertificate', 'clientKey'] : [error]));
  const set = Object.entries(flags).flatMap(([flag, field]) => (reported[flag] === true ? [field] : []));
  const isSaid = (field: CollectorField) => settings[field === 'timeout' ? 'timeoutMilliseconds' : field] !== undefined;
  const wrong = Object.values(flags).filter((field) => named.includes(field) || (isSaid(field) && !known.has(field)));
  const kept = set.filter((field) => !known.has(field) && !wrong.includes(field));
  const isEmpty = Object.keys(usable).length + wrong.length + kept.length === 0;
  return isEmpty ? undefined : { ...usable, kept, wrong };
}

function parseEndpoint(value: unknown): NamedEndpoint | undefined {
  const { tls, host, port, path = '' } = fields(value);
  if (typeof host !== 'string' || !(isIp(host) || isDnsName(host))) return undefined;
  if (typeof path !== 'string' || path.length > longestText || !/^(?:\/[\w.~!$&'()*+,;=:@%/-]*)?$/.test(path))
    return undefined;
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (port !== undefined && !isPort) return undefined;
  return { host, path, ...(isPort ? { port } : {}), ...(typeof tls === 'boolean' ? { tls } : {}) };
}

function isTimeout(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= longestTimeout;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/') && value.length <= longestText && !value.includes('\0');
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
