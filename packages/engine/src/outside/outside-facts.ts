// External services of both kinds, read once: their servers, and how each is spoken to. What is missing for a safe connection leaves a service
// without servers, never with fewer checks.
import { deepEqual } from '@ursa/collections';
import type { NameMatch, OutsideTls, PemSource } from '@ursa/envoy';
import {
  type DataSource,
  type ExternalServiceSpec,
  isDnsName,
  isIp,
  type MeshExternalServiceSpec,
  type PemContent,
  type Resource,
  type TlsVersions,
  tagNames,
} from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import { pemSources } from './pem-source.ts';

/** TLS with a server; `system`: the authorities that the proxy's host trusts. */
export type TlsFacts = Omit<OutsideTls, 'trusted'> & { readonly trusted: PemSource | 'system' | undefined };

/** One server of an external service. */
export interface OutsideEndpoint {
  readonly address: string;
  /** Undefined for Unix sockets. */
  readonly port: number | undefined;
  /** Undefined for services that know no priorities. */
  readonly priority: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly tls: TlsFacts | undefined;
}

/** An external service. */
export interface OutsideFacts {
  readonly mesh: string;
  /** Tag or label of the zone it is in; '' where it says none. */
  readonly zone: string;
  readonly endpoints: readonly OutsideEndpoint[];
  /** True when servers are told apart by their tags, because their TLS is not the same. */
  readonly tlsByTags: boolean;
  /** Why it has no servers although it names some, for people. */
  readonly problems: readonly string[];
}

const versions = {
  TLSAuto: undefined,
  TLS10: 'TLSv1_0',
  TLS11: 'TLSv1_1',
  TLS12: 'TLSv1_2',
  TLS13: 'TLSv1_3',
} as const;

function limitsOf({ min, max }: TlsVersions = {}): OutsideTls['versions'] {
  const [minimum, maximum] = [versions[min ?? 'TLSAuto'], versions[max ?? 'TLSAuto']];
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
}

function clientOf(certificate: PemSource | undefined, key: PemSource | undefined): OutsideTls['client'] {
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

interface SubjectName {
  readonly type?: 'Exact' | 'Prefix';
  readonly value: string;
}

/** Names that a certificate may have: those that are listed, else the one the server is asked for by. */
function namesOf(listed: readonly SubjectName[], serverName: string, address: string): readonly NameMatch[] {
  if (listed.length === 0) return [{ kind: 'exact', value: serverName || address }];
  return listed.map(({ type, value }) => ({ kind: type === 'Prefix' ? 'prefix' : 'exact', value }));
}

const socketScheme = 'unix://';

/** Reads a MeshExternalService. Its endpoints share their settings; where these come down to another TLS for each, they are told apart. */
export function meshExternalServiceFacts(inputs: EngineInputs, resource: Resource): OutsideFacts {
  const { mesh, labels } = resource;
  const { endpoints = [], tls } = resource.spec as MeshExternalServiceSpec;
  const { verification = {} } = tls ?? {};
  const { mode = 'Secured', serverName: givenName, subjectAltNames = [] } = verification;
  const sources = pemSources(inputs, mesh);
  const field = (name: string) => `spec.tls.verification.${name}`;
  const unchecked = mode === 'SkipCA' || mode === 'SkipAll';
  const authorities = unchecked ? undefined : sources.read(field('caCert'), verification.caCert, 'certificates');
  const client = clientOf(
    sources.read(field('clientCert'), verification.clientCert, 'certificates'),
    sources.read(field('clientKey'), verification.clientKey, 'private key'),
  );
  const tlsFor = (address: string): TlsFacts | undefined => {
    if (tls?.enabled !== true) return undefined;
    const serverName = givenName ?? (isDnsName(address) ? address : '');
    const names = mode === 'SkipSAN' || mode === 'SkipAll' ? [] : namesOf(subjectAltNames, serverName, address);
    const trusted = unchecked ? undefined : (authorities ?? ('system' as const));
    const allowRenegotiation = tls.allowRenegotiation ?? false;
    return { serverName, allowRenegotiation, trusted, names, client, versions: limitsOf(tls.version) };
  };
  const zone = labels[tagNames.zone] ?? '';
  const read = endpoints.map(({ address: given, port, priority = 0 }): OutsideEndpoint => {
    const address = given.startsWith(socketScheme) ? given.slice(socketScheme.length) : given;
    return { address, port, priority, tags: labels, tls: tlsFor(given) };
  });
  const problems = tls?.enabled === true ? sources.problems : [];
  if (problems.length > 0) return { mesh, zone, endpoints: [], tlsByTags: false, problems };
  const tlsByTags = read.some((endpoint) => !deepEqual(endpoint.tls, read[0]?.tls));
  return { mesh, zone, endpoints: tlsByTags ? read.map(toldApart) : read, tlsByTags, problems };
}

function toldApart(endpoint: OutsideEndpoint): OutsideEndpoint {
  const { address, port } = endpoint;
  return {
    ...endpoint,
    tags: { ...endpoint.tags, 'kuma.io/endpoint': port === undefined ? address : `${address}:${port}` },
  };
}

/** Host and port of an ExternalService; an IPv6 address comes without its brackets. */
export function outsideAddress({ networking }: ExternalServiceSpec): { readonly host: string; readonly port: number } {
  const parts = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(networking?.address ?? '');
  return { host: parts?.[1] ?? parts?.[2] ?? '', port: Number(parts?.[3] ?? 0) };
}

const matchKinds: Readonly<Record<string, SubjectName['type']>> = { PREFIX: 'Prefix' };

/** Reads an ExternalService of the older kind. Without `caCert` its certificate is not checked: so it is with the peers. */
export function externalServiceFacts(inputs: EngineInputs, resource: Resource): OutsideFacts {
  const { mesh } = resource;
  const spec = resource.spec as ExternalServiceSpec;
  const { host, port } = outsideAddress(spec);
  const { [tagNames.service]: _service, ...tags } = spec.tags ?? {};
  const { tls } = spec.networking ?? {};
  const sources = pemSources(inputs, mesh);
  const read = (name: string, source: DataSource | undefined, content: PemContent = 'certificates') =>
    sources.read(`networking.tls.${name}`, source, content);
  const tlsOf = (): TlsFacts | undefined => {
    if (tls?.enabled !== true) return undefined;
    const serverName = tls.serverName ?? (isIp(host) ? '' : host);
    const listed = (tls.subjectAltNames ?? []).map(({ match = '', matchType = 'EXACT' }) => ({
      type: matchKinds[matchType] ?? ('Exact' as const),
      value: match,
    }));
    return {
      serverName,
      allowRenegotiation: tls.allowRenegotiation ?? false,
      trusted: read('caCert', tls.caCert),
      names: tls.skipHostnameVerification === true ? [] : namesOf(listed, serverName, host),
      client: clientOf(read('clientCert', tls.clientCert), read('clientKey', tls.clientKey, 'private key')),
      versions: {},
    };
  };
  const secured = tlsOf();
  const zone = tags[tagNames.zone] ?? '';
  const { problems } = sources;
  const usable = problems.length === 0 && host !== '';
  const told = secured === undefined ? tags : { ...tags, [tagNames.externalServiceName]: resource.name };
  const endpoint = { address: host, port, priority: undefined, tags: told, tls: secured };
  return { mesh, zone, endpoints: usable ? [endpoint] : [], tlsByTags: true, problems };
}
