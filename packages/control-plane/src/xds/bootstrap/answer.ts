// Answers `POST /bootstrap`: from a request and the store to Envoy's bootstrap, or to an error that says what to do.
import { type DataplaneSpec, MeshError, type MeshSpec, type ResourceDraft, type ResourceKey } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import type { HttpRequest, HttpResponse } from '../../delta/grpc/index.ts';
import { buildBootstrap } from './document.ts';
import { type BootstrapRequest, parseBootstrapRequest } from './request.ts';
import { toYaml } from './to-yaml.ts';
import { checkHost, namesInCertificate, trustedCaOf } from './trusted-ca.ts';

/** What bootstraps are made from. */
export interface BootstrapSources {
  readonly settings: Settings;
  /** The port the server listens on. */
  readonly port: () => number;
  /** PEM certificate of the server, as it is now. */
  readonly certificate: () => string;
  /** Configuration of CoreDNS for proxies that run it; undefined when none is configured. */
  readonly corefileTemplate: string | undefined;
  get(key: ResourceKey): { readonly spec: unknown } | undefined;
  /** Parses and validates the resource a proxy brings along. Throws `MeshError`. */
  parse(document: string, request: BootstrapRequest): ResourceDraft;
  /** Throws `MeshError('unauthenticated')` when the token is not good for this proxy. */
  verifyToken(request: BootstrapRequest): Promise<void>;
  /** Told of every proxy that gets a bootstrap: it starts anew, whatever was known of it. */
  starting?(request: BootstrapRequest): Promise<void>;
}

/** Makes the handler of `POST /bootstrap`. */
export function openBootstrap(sources: BootstrapSources): (request: HttpRequest) => Promise<HttpResponse> {
  return async (http) => {
    try {
      const request = parseBootstrapRequest(http.body);
      const { document, sidecar } = await answer(sources, request, hostOf(http.authority));
      await sources.starting?.(request);
      const yaml = toYaml(document);
      if (!String(http.headers.accept ?? '').includes('application/json')) {
        return { status: 200, contentType: 'text/x-yaml', body: yaml };
      }
      const body = JSON.stringify({
        bootstrap: Buffer.from(yaml).toString('base64'),
        kumaSidecarConfiguration: sidecar,
      });
      return { status: 200, contentType: 'application/json', body };
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      return { status: statusOf(error), contentType: 'text/plain', body: `${error.message}\n` };
    }
  };
}

function statusOf({ code }: MeshError): number {
  if (code === 'not-found') return 404;
  if (code === 'malformed' || code === 'unsupported') return 400;
  if (code === 'unavailable') return 503;
  return code === 'internal' ? 500 : 422;
}

async function answer(
  sources: BootstrapSources,
  request: BootstrapRequest,
  requestedHost: string,
): Promise<{ readonly document: object; readonly sidecar: object }> {
  const { settings } = sources;
  const { params } = settings.bootstrapServer;
  await checkToken(sources, request);
  const certificate = sources.certificate();
  if (params.xdsHost === '') checkHost(requestedHost, namesInCertificate(certificate));
  const found = findProxy(sources, request);
  const networking = found.dataplane?.networking;
  const document = buildBootstrap(request, {
    service: found.service,
    builtinGateway: networking?.gateway?.type === 'BUILTIN',
    admin: {
      port: found.adminPort || params.adminPort,
      address: params.adminAddress,
      accessLogPath: params.adminAccessLogPath,
      unixSocket: params.envoyAdminUnixSocket,
    },
    xds: {
      host: params.xdsHost || requestedHost,
      port: params.xdsPort || sources.port(),
      connectTimeout: `${params.xdsConnectTimeout / 1000}s`,
      maxReceiveMessageBytes: params.xdsGrpcMaxReceiveMessageBytes,
      delta: wantsDelta(request, found.dataplane, settings),
      trustedCa: trustedCaOf(request.caCert, certificate),
    },
    healthDiscovery: settings.dpServer.hds.enabled,
    useTokenPath: settings.dpServer.authn.enableReloadableTokens,
    globalDownstreamMaxConnections: settings.proxy.gateway.globalDownstreamMaxConnections,
    unifiedNaming:
      request.features.includes('feature-unified-resource-naming') && found.mesh?.meshServices?.mode === 'Exclusive',
  });
  const template = sources.corefileTemplate;
  return {
    document,
    sidecar: {
      networking: {
        corefileTemplate: template === undefined ? null : Buffer.from(template).toString('base64'),
        address: networking?.address ?? '',
      },
      metrics: { aggregate: aggregatesOf(found.mesh, found.dataplane) },
    },
  };
}

async function checkToken(sources: BootstrapSources, request: BootstrapRequest): Promise<void> {
  const { dpProxy, zoneProxy } = sources.settings.dpServer.authn;
  const type = request.proxyType === 'dataplane' ? dpProxy.type : zoneProxy.type;
  if (type === 'none') return;
  if (request.dataplaneToken === '' && request.dataplaneTokenPath === '') {
    const kind = request.proxyType === 'dataplane' ? 'dataplane' : 'zone';
    throw new MeshError(
      'invalid',
      `a ${kind} token is required: kumactl generate ${kind}-token > token, then kuma-dp run --dataplane-token-file=token`,
    );
  }
  if (request.dataplaneToken !== '') await sources.verifyToken(request);
}

interface FoundProxy {
  readonly service: string;
  readonly adminPort: number;
  readonly dataplane: DataplaneSpec | undefined;
  readonly mesh: MeshSpec | undefined;
}

const resourceTypes = { dataplane: 'Dataplane', ingress: 'ZoneIngress', egress: 'ZoneEgress' } as const;

function findProxy(sources: BootstrapSources, request: BootstrapRequest): FoundProxy {
  const type = resourceTypes[request.proxyType];
  const mesh = type === 'Dataplane' ? request.mesh : '';
  let spec: unknown;
  if (request.dataplaneResource !== '') spec = sources.parse(request.dataplaneResource, request).spec;
  else {
    const stored = sources.get({ type, mesh, name: request.name });
    if (stored === undefined) {
      const where = mesh === '' ? '' : ` in mesh "${mesh}"`;
      throw new MeshError(
        'not-found',
        `there is no ${type} "${request.name}"${where}: create it first (kumactl apply), or let the proxy register itself (kuma-dp run --dataplane-file)`,
      );
    }
    spec = stored.spec;
  }
  const dataplane = spec as DataplaneSpec;
  const adminPort = dataplane.networking?.admin?.port ?? 0;
  if (type !== 'Dataplane') return { service: request.proxyType, adminPort, dataplane: undefined, mesh: undefined };
  const stored = sources.get({ type: 'Mesh', mesh: '', name: mesh });
  if (stored === undefined) {
    throw new MeshError(
      'invalid',
      `mesh: mesh "${mesh}" does not exist; create it first (kumactl apply), or give the name of one that does`,
    );
  }
  return { service: serviceOf(dataplane), adminPort, dataplane, mesh: stored.spec as MeshSpec };
}

function serviceOf({ networking }: DataplaneSpec): string {
  const tags = networking?.gateway?.tags ?? networking?.inbound?.find((inbound) => inbound.tags !== undefined)?.tags;
  return tags?.['kuma.io/service'] ?? 'unknown';
}

function wantsDelta(request: BootstrapRequest, dataplane: DataplaneSpec | undefined, settings: Settings): boolean {
  const variant = dataplane?.envoy?.xdsTransportProtocolVariant;
  if (variant !== undefined) return variant === 'DELTA_GRPC';
  return settings.experimental.deltaXds || request.features.includes('feature-delta-grpc');
}

/** The host of an authority, without port and brackets. */
function hostOf(authority: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(authority);
  return match?.[1] ?? match?.[2] ?? authority;
}

interface Aggregate {
  readonly name?: string;
  readonly enabled?: boolean;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
}

/** Metrics of the application that kuma-dp adds to Envoy's, when the mesh has a Prometheus backend. */
function aggregatesOf(mesh: MeshSpec | undefined, dataplane: DataplaneSpec | undefined): readonly object[] {
  const metrics = (
    mesh as
      | { readonly metrics?: { readonly enabledBackend?: string; readonly backends?: readonly MetricsBackend[] } }
      | undefined
  )?.metrics;
  const backend = metrics?.backends?.find((candidate) => candidate.name === metrics.enabledBackend);
  if (backend === undefined || backend.type !== 'prometheus') return [];
  const own = dataplane?.metrics?.type === 'prometheus' ? dataplane.metrics.conf?.aggregate : undefined;
  const all = [...(backend.conf?.aggregate ?? []), ...((own as readonly Aggregate[] | undefined) ?? [])];
  // What the proxy says of an application stands for what the mesh says of it; the mesh's others stay.
  const byName = new Map(all.map((aggregate) => [aggregate.name, aggregate]));
  return [...byName.values()]
    .filter((aggregate) => aggregate.enabled !== false)
    .map(({ name = '', address, port = 0, path = '' }) => ({
      name,
      address: address ?? dataplane?.networking?.address ?? '',
      port,
      path,
    }));
}

interface MetricsBackend {
  readonly name?: string;
  readonly type?: string;
  readonly conf?: { readonly aggregate?: readonly Aggregate[] };
}
