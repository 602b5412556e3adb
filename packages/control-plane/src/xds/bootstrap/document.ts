// Envoy's bootstrap document: how it finds the control plane and what it says of itself. Plain data in the JSON form of Envoy's API;
// names and values are those of reference s9, checked against the recorded documents of the peer.
import { proxySocketPath } from '@ursa/resources';
import { adsClusterOf, type Document, googleGrpcService, http2WithKeepAlive, type XdsTarget } from './ads-cluster.ts';
import type { BootstrapRequest } from './request.ts';

/** What the request does not say. */
export interface BootstrapContext {
  /** `kuma.io/service` of the proxy's first inbound, or what stands for it. */
  readonly service: string;
  readonly builtinGateway: boolean;
  readonly admin: {
    readonly port: number;
    readonly address: string;
    readonly accessLogPath: string;
    readonly unixSocket: boolean;
  };
  readonly xds: XdsTarget & { readonly delta: boolean };
  readonly healthDiscovery: boolean;
  /** Whether Envoy reads its token from the file again and again. */
  readonly useTokenPath: boolean;
  readonly globalDownstreamMaxConnections: number;
  /** Whether the names of this project's newer scheme are used. */
  readonly unifiedNaming: boolean;
}

/** Builds the bootstrap of one proxy. */
export function buildBootstrap(request: BootstrapRequest, context: BootstrapContext): Document {
  const { xds } = context;
  const filePath = context.useTokenPath ? request.dataplaneTokenPath : '';
  const names = namesOf(context.unifiedNaming);
  const service: Document =
    filePath === ''
      ? {
          envoyGrpc: { clusterName: names.ads },
          ...when(request.dataplaneToken !== '', {
            initialMetadata: [{ key: 'authorization', value: request.dataplaneToken }],
          }),
        }
      : { googleGrpc: googleGrpcService(filePath, xds) };
  const stream = { transportApiVersion: 'V3', setNodeOnFirstMessageOnly: true, grpcServices: [service] };
  return {
    ...adminOf(request, context),
    defaultRegexEngine: {
      name: 'envoy.regex_engines.google_re2',
      typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.regex_engines.v3.GoogleRE2' },
    },
    dynamicResources: {
      adsConfig: { apiType: xds.delta ? 'DELTA_GRPC' : 'GRPC', ...stream },
      cdsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' },
      ldsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' },
    },
    ...when(context.healthDiscovery && request.proxyType === 'dataplane', {
      hdsConfig: { apiType: 'GRPC', ...stream },
    }),
    layeredRuntime: { layers: runtimeLayers(context.builtinGateway) },
    node: { cluster: context.service, id: `${request.mesh}.${request.name}`, metadata: nodeMetadata(request, context) },
    ...when(context.builtinGateway, {
      overloadManager: overloadManager(context.globalDownstreamMaxConnections, request.maxHeapSizeBytes),
    }),
    staticResources: {
      clusters: [
        accessLogSink(names.accessLogSink, request, xds.connectTimeout),
        ...(filePath === '' ? [adsClusterOf(names.ads, xds)] : []),
      ],
      secrets: [
        {
          name: 'cp_validation_ctx',
          validationContext: {
            matchTypedSubjectAltNames: ['DNS', 'IP_ADDRESS'].map((sanType) => ({
              matcher: { exact: xds.host },
              sanType,
            })),
            trustedCa: { inlineBytes: Buffer.from(xds.trustedCa).toString('base64') },
          },
        },
      ],
    },
    statsConfig: { statsTags },
  };
}

function namesOf(unified: boolean): { readonly ads: string; readonly accessLogSink: string } {
  return unified
    ? { ads: 'system_ads', accessLogSink: 'system_access_log_sink' }
    : { ads: 'ads_cluster', accessLogSink: 'access_log_sink' };
}

function when(condition: boolean, fields: Document): Document {
  return condition ? fields : {};
}

function adminSocketPath(request: BootstrapRequest): string {
  return `${request.workdir}/kuma-envoy-admin.sock`;
}

function adminOf(request: BootstrapRequest, { admin }: BootstrapContext): Document {
  if (admin.port === 0) return {};
  // The control plane may run on another system than the proxy.
  const path =
    admin.accessLogPath === '/dev/null' && request.operatingSystem === 'windows' ? 'NUL' : admin.accessLogPath;
  return {
    admin: {
      address: admin.unixSocket
        ? { pipe: { mode: 0o600, path: adminSocketPath(request) } }
        : { socketAddress: { address: admin.address, portValue: admin.port } },
      ...when(path !== '', {
        accessLog: [
          {
            name: 'envoy.access_loggers.file',
            typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog', path },
          },
        ],
      }),
    },
  };
}

function nodeMetadata(request: BootstrapRequest, { admin }: BootstrapContext): Document {
  return {
    ...when(admin.port !== 0, { 'dataplane.admin.address': admin.address, 'dataplane.admin.port': String(admin.port) }),
    ...when(admin.port !== 0 && admin.unixSocket, { 'dataplane.admin.socketPath': adminSocketPath(request) }),
    ...when(request.appProbeProxyEnabled, { 'dataplane.appProbeProxy.enabled': 'true' }),
    ...when(request.dnsPort !== 0, { 'dataplane.dns.port': String(request.dnsPort) }),
    'dataplane.proxyType': request.proxyType,
    ...when(request.readinessPort !== 0, { 'dataplane.readinessReporter.port': String(request.readinessPort) }),
    ...when(request.dataplaneResource !== '', { 'dataplane.resource': request.dataplaneResource }),
    ...when(Object.keys(request.dynamicMetadata).length > 0, { dynamicMetadata: request.dynamicMetadata }),
    features: request.features,
    ipv6Enabled: request.ipv6Enabled,
    ...when(request.machineId !== '', { machineId: request.machineId }),
    metricsCertPath: request.metricsCertPath,
    metricsKeyPath: request.metricsKeyPath,
    ...when(request.otelEnv !== undefined, { otelEnvInventory: request.otelEnv }),
    'spireAgent.socketPath': request.spireSocketPath,
    systemCaPath: request.systemCaPath,
    ...when(request.transparentProxy !== undefined, { transparentProxy: request.transparentProxy }),
    version: request.version,
    workdir: request.workdir,
  };
}

function runtimeLayers(builtinGateway: boolean): readonly Document[] {
  const layer = {
    name: 'kuma',
    // Regular expressions of policies may be large; Envoy only warns of them.
    staticLayer: { 're2.max_program_size.error_level': 4_294_967_295, 're2.max_program_size.warn_level': 1000 },
  };
  const name = 'gateway.listeners';
  return builtinGateway
    ? [layer, { name, rtdsLayer: { name, rtdsConfig: { ads: {}, resourceApiVersion: 'V3' } } }]
    : [layer];
}

function accessLogSink(name: string, request: BootstrapRequest, connectTimeout: string): Document {
  const path = proxySocketPath(request.workdir, 'kuma-al', request);
  return {
    name,
    type: 'STATIC',
    connectTimeout,
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
    ...http2WithKeepAlive,
  };
}

function overloadManager(maxConnections: number, maxHeapBytes: number): Document {
  const heap = 'envoy.resource_monitors.fixed_heap';
  const monitor = (name: string, type: string, limit: Document): Document => ({
    name,
    typedConfig: { '@type': `type.googleapis.com/envoy.extensions.resource_monitors.${type}`, ...limit },
  });
  const action = (name: string, value: number): Document => ({
    name: `envoy.overload_actions.${name}`,
    triggers: [{ name: heap, threshold: { value } }],
  });
  return {
    refreshInterval: '0.250s',
    resourceMonitors: [
      monitor(
        'envoy.resource_monitors.global_downstream_max_connections',
        'downstream_connections.v3.DownstreamConnectionsConfig',
        {
          maxActiveDownstreamConnections: String(maxConnections),
        },
      ),
      ...(maxHeapBytes === 0
        ? []
        : [monitor(heap, 'fixed_heap.v3.FixedHeapConfig', { maxHeapSizeBytes: String(maxHeapBytes) })]),
    ],
    ...when(maxHeapBytes !== 0, { actions: [action('shrink_heap', 0.95), action('stop_accepting_requests', 0.98)] }),
  };
}

const statsTags: readonly Document[] = [
  { tagName: 'name', regex: '^grpc\\.((.+)\\.)' },
  { tagName: 'status', regex: '^grpc.*streams_closed(_([0-9]+))' },
  { tagName: 'kafka_name', regex: '^kafka(\\.(\\S*[0-9]))\\.' },
  { tagName: 'kafka_type', regex: '^kafka\\..*\\.(.*?(?=_duration|$))' },
  { tagName: 'worker', regex: '(worker_([0-9]+)\\.)' },
  { tagName: 'listener', regex: '((.+?)\\.)rbac\\.' },
];
