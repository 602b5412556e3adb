// What a proxy says of itself in its xDS node, parsed at the border. Everything in it is the proxy's claim: nothing here is trusted.
import type { ConnectedProxy, TransparentProxy } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import type { Node } from '../../../envoy/gen/envoy/config/core/v3/base_pb.ts';
import { parseCollectorEnvironment } from './collector-environment.ts';

/** A parsed node. */
export interface ProxyNode {
  /** As sent, `<mesh>.<name>`. */
  readonly id: string;
  readonly proxy: ConnectedProxy;
  readonly version: ProxyVersion;
  /** The proxy's own resource as a document, given with `--dataplane-file`; undefined when it expects to find one in the store. */
  readonly resource: string | undefined;
  /** Of the machine that the proxy runs on; '' where it did not say. */
  readonly machineId: string;
}

/** Versions of the programs of a proxy; empty strings where it did not say. */
export interface ProxyVersion {
  readonly kumaDp: {
    readonly version: string;
    readonly gitTag: string;
    readonly gitCommit: string;
    readonly buildDate: string;
  };
  readonly envoy: {
    readonly version: string;
    readonly build: string;
    /** Whether its kuma-dp knows how to run it; absent where it did not say. */
    readonly kumaDpCompatible?: boolean;
  };
  /** By name, of what else runs in the proxy. */
  readonly dependencies: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, unknown>>;

const namePattern = /^[0-9a-z._-]+$/;
const longestName = 253;
const longestText = 4096;
const mostEntries = 256;
const proxyTypes: readonly ConnectedProxy['proxyType'][] = ['dataplane', 'ingress', 'egress'];
const families: readonly TransparentProxy['ipFamilyMode'][] = ['dualstack', 'ipv4', 'ipv6'];

/** Parses a node. Throws `MeshError('invalid')` that names the field when identity or ports make no sense; unknown fields are ignored. */
export function parseProxyNode(node: Node): ProxyNode {
  const { mesh, name } = parseNodeId(node.id);
  const metadata: Fields = node.metadata ?? {};
  const proxyType = proxyTypes.find((type) => type === (text(metadata, 'dataplane.proxyType') || 'dataplane'));
  if (proxyType === undefined) throw invalid('dataplane.proxyType', `is not one of ${proxyTypes.join(', ')}`);
  const version = parseVersion(metadata);
  const socketPath = text(metadata, 'dataplane.admin.socketPath');
  const resource = metadata['dataplane.resource'];
  const openTelemetry = parseCollectorEnvironment(metadata.otelEnvInventory, text(metadata, 'systemCaPath'));
  return {
    id: node.id,
    version,
    resource: typeof resource === 'string' && resource !== '' ? resource : undefined,
    machineId: text(metadata, 'machineId'),
    proxy: {
      mesh,
      name,
      proxyType,
      features: shared(texts(metadata, 'features')),
      admin: {
        port: port(metadata, 'dataplane.admin.port'),
        address: text(metadata, 'dataplane.admin.address'),
        ...(socketPath === '' ? {} : { socketPath }),
      },
      readinessPort: port(metadata, 'dataplane.readinessReporter.port'),
      dnsPort: port(metadata, 'dataplane.dns.port'),
      workdir: text(metadata, 'workdir'),
      appProbeProxyEnabled: metadata['dataplane.appProbeProxy.enabled'] === 'true',
      ipv6Enabled: metadata.ipv6Enabled === true,
      systemCaPath: text(metadata, 'systemCaPath'),
      metricsCertPath: text(metadata, 'metricsCertPath'),
      metricsKeyPath: text(metadata, 'metricsKeyPath'),
      spireSocketPath: text(metadata, 'spireAgent.socketPath'),
      dynamicMetadata: textMap(metadata.dynamicMetadata, 'dynamicMetadata'),
      transparentProxy: parseTransparentProxy(metadata.transparentProxy),
      extensions: shared(node.extensions.slice(0, 4 * longestText).map((extension) => extension.name)),
      envoyVersion: version.envoy.version,
      ...(openTelemetry === undefined ? {} : { openTelemetry }),
    },
  };
}

/** Splits `<mesh>.<name>`; the mesh is empty for zone proxies. */
export function parseNodeId(id: string): { readonly mesh: string; readonly name: string } {
  const dot = id.indexOf('.');
  if (dot < 0) throw invalid('id', 'must be <mesh>.<name>');
  const mesh = id.slice(0, dot);
  const name = id.slice(dot + 1);
  for (const part of mesh === '' ? [name] : [mesh, name]) {
    if (part.length > longestName || !namePattern.test(part)) {
      throw invalid(
        'id',
        `must be <mesh>.<name>, each of at most ${longestName} lower case letters, digits, '.', '-' and '_'`,
      );
    }
  }
  return { mesh, name };
}

function parseVersion(metadata: Fields): ProxyVersion {
  const version = fields(metadata.version);
  const kumaDp = fields(version.kumaDp);
  const envoy = fields(version.envoy);
  const prefix = 'version.dependencies.';
  const dependencies = Object.entries(metadata)
    .filter(([key, value]) => key.startsWith(prefix) && typeof value === 'string')
    .map(([key, value]) => [key.slice(prefix.length), String(value).slice(0, longestText)] as const);
  return {
    kumaDp: {
      version: text(kumaDp, 'version'),
      gitTag: text(kumaDp, 'gitTag'),
      gitCommit: text(kumaDp, 'gitCommit'),
      buildDate: text(kumaDp, 'buildDate'),
    },
    envoy: {
      version: text(envoy, 'version'),
      build: text(envoy, 'build'),
      ...(typeof envoy.kumaDpCompatible === 'boolean' ? { kumaDpCompatible: envoy.kumaDpCompatible } : {}),
    },
    dependencies: {
      ...textMap(metadata['version.dependencies'], 'version.dependencies'),
      ...Object.fromEntries(dependencies.slice(0, mostEntries)),
    },
  };
}

function parseTransparentProxy(value: unknown): TransparentProxy | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const config = fields(value);
  const redirect = fields(config.redirect);
  const dns = fields(redirect.dns);
  const family = families.find((mode) => mode === config.ipFamilyMode);
  const inbound = fields(redirect.inbound);
  const outbound = fields(redirect.outbound);
  return {
    enabled: inbound.enabled !== false || outbound.enabled !== false,
    inboundPort: port(inbound, 'port') || 15_006,
    outboundPort: port(outbound, 'port') || 15_001,
    dnsPort: port(dns, 'port'),
    dnsEnabled: dns.enabled === true,
    ipFamilyMode: family ?? 'dualstack',
  };
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(from: Fields, key: string): string {
  const value = Object.hasOwn(from, key) ? from[key] : '';
  if (typeof value !== 'string') return '';
  if (value.length > longestText) throw invalid(key, `is longer than ${longestText} characters`);
  return value;
}

function texts(from: Fields, key: string): readonly string[] {
  const value = from[key];
  if (!Array.isArray(value)) return [];
  if (value.length > mostEntries) throw invalid(key, `has more than ${mostEntries} entries`);
  return value.filter((item): item is string => typeof item === 'string' && item.length <= longestText);
}

function textMap(value: unknown, key: string): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  if (entries.length > mostEntries) throw invalid(key, `has more than ${mostEntries} entries`);
  for (const [name, content] of entries) {
    if (name.length + content.length > longestText)
      throw invalid(`${key}.${name.slice(0, 100)}`, `is longer than ${longestText} characters`);
  }
  return Object.fromEntries(entries);
}

/** A port sent as a decimal string or a number; 0 when it was not sent. */
function port(from: Fields, key: string): number {
  const value = from[key];
  if (value === undefined || value === '') return 0;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 65535) throw invalid(key, 'is not a port (0 to 65535)');
  return number;
}

function invalid(field: string, message: string): MeshError {
  return new MeshError('invalid', `xDS node: ${field} ${message}`, {
    violations: [{ field: `node.${field}`, message }],
  });
}

// A fleet runs few builds of Envoy, each with hundreds of extensions: equal lists are kept once. Bounded, since the client writes them.
const lists = new Map<string, readonly string[]>();
const mostLists = 64;

function shared(list: readonly string[]): readonly string[] {
  const key = list.join('\n');
  const known = lists.get(key);
  if (known !== undefined) return known;
  if (lists.size < mostLists && key.length < 64 * 1024) lists.set(key, list);
  return list;
}
