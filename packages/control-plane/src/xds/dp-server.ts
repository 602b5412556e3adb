// The server that proxies talk to: bootstrap, ADS in both protocols, and health discovery, on one TLS port.
import type { Source } from '@ursa/collections';
import type { ConnectedProxy, Engine } from '@ursa/engine';
import { MeshError, type ResourceKey, type ResourceTypes } from '@ursa/resources';
import type { RequestMetrics } from '@ursa/telemetry';
import type { Component } from '../component.ts';
import type { Settings } from '../config/settings.ts';
import { tlsLimitsOf } from '../config/tls-limits.ts';
import { type GrpcMethod, type GrpcServer, type HttpHandler, openGrpcServer } from '../delta/grpc/index.ts';
import type { Tokens } from '../identity/access.ts';
import type { CertificatePair, ServedCertificate } from '../identity/served-certificate.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import { type AdsProtocol, serveAdsStream } from './ads-stream.ts';
import { type Arrivals, openArrivals } from './arrivals.ts';
import { openBootstrap } from './bootstrap/answer.ts';
import {
  type ConnectionObserver,
  type DpServerLog,
  openConnectedProxies,
  type RefusalObserver,
} from './connected-proxies.ts';
import { type HealthReports, openHealthDiscovery } from './health/health-discovery.ts';
import type { HealthMetrics } from './health/health-metrics.ts';
import { type MemoryGuard, openMemoryGuard } from './memory-guard.ts';
import type { Propagation } from './propagation.ts';
import { openProxyAuthentication } from './proxy-authentication.ts';
import { openRegistration, parseOwnResource, type RegistrationDeed } from './registration.ts';
import type { Rollout } from './rollout.ts';
import { type StartingProxies, startingHere } from './starting-proxies.ts';
import { openTakingTraffic } from './taking-traffic.ts';
import type { XdsMetrics } from './xds-metrics.ts';

/** What the server works with. */
export interface DpServerOptions {
  readonly settings: Settings;
  /** Address to listen on; default: all. */
  readonly host?: string;
  readonly certificate: ServedCertificate;
  /** Must have been loaded: what it does not hold is taken for absent. */
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  readonly types: ResourceTypes;
  /** Where connected proxies are entered; the engine reads it. */
  readonly proxies: Source<ConnectedProxy>;
  readonly engine: Pick<Engine, 'config' | 'rules'>;
  /** Resolves when a proxy that was entered has its certificates, or will get none. */
  readonly certified?: (proxyKey: string) => Promise<void>;
  /** True while a proxy should have a certificate that it does not have yet. */
  readonly awaitsCertificate?: (proxyKey: string) => boolean;
  /** Meshes whose services outside zone egresses serve. */
  readonly egressMeshes?: () => readonly string[];
  readonly tokens: Tokens;
  /** Whether there is memory for more proxies; default: as the settings say. */
  readonly memory?: MemoryGuard;
  /** How long proxies that come often wait. Default: as long as they should. */
  readonly arrivals?: Arrivals;
  /** Learns of every connection: the insights. Must be started before and stopped after this server. */
  readonly observer: ConnectionObserver;
  /** Finds the policies behind what proxies refuse. */
  readonly refusals?: RefusalObserver;
  /** Where it goes what proxies find at their workloads; without it nobody is asked to look. */
  readonly health?: HealthReports;
  readonly healthMetrics?: HealthMetrics;
  /** The IP address behind the address of a Dataplane, tracked; without it, what is no IP address is probed as it is. */
  readonly ipOf?: (address: string) => string | undefined;
  readonly metrics?: XdsMetrics;
  /** Follows changes to the proxies. */
  readonly propagation?: Propagation;
  /** Hears of the requests that are not discovery. */
  readonly requests?: RequestMetrics;
  /** Whether the proxy of a resource is connected to any instance, as far as is known here. Default: only what is connected here counts. */
  readonly isConnected?: (key: ResourceKey) => boolean;
  /** The same of other instances than this one. Default: there are none. */
  readonly isElsewhere?: (key: ResourceKey) => boolean;
  /** Where proxies that start are remembered. Default: in this process. */
  readonly starting?: StartingProxies;
  /** Answers hosts that join, by path. */
  readonly joining?: ReadonlyMap<string, HttpHandler>;
  readonly log: DpServerLog;
  /** Told of what proxies have written about themselves. */
  readonly onRegistration?: ((deed: RegistrationDeed) => void) | undefined;
  /** Configuration of CoreDNS for proxies that run it. */
  readonly corefileTemplate?: string;
}

/** The server, as a part of the control plane. */
export interface DpServer extends Component {
  /** The port it listens on; 0 before it has started. */
  readonly port: number;
  /** Keys (`<mesh>/<name>`) of the proxies that are connected here. */
  connected(): readonly string[];
  /** Ends the connection of a proxy so that it comes back over a new one, to another instance if it knows one. */
  sendAway(proxyKey: string): void;
  /** Proxies that have something to be sent and wait for their turn. */
  queued(): number;
  /** How far they have come with a change. */
  readonly rollout: Rollout;
}

const adsService = '/envoy.service.discovery.v3.AggregatedDiscoveryService/';
const healthService = '/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck';

/** Makes the server; it listens once it is started. */
export function openDpServer(options: DpServerOptions): DpServer {
  const { settings, live, manager, types, log, certificate } = options;
  const { dpServer } = settings;
  const authentication = openProxyAuthentication(settings, options.tokens);
  const traffic = openTakingTraffic({
    live,
    manager,
    authentication,
    starting: options.starting ?? startingHere(),
    probing: options.health !== undefined,
  });
  const registration = openRegistration({
    live,
    manager,
    types,
    admit: traffic.admit,
    deregistrationDelayMilliseconds: settings.xdsServer.dataplaneDeregistrationDelay,
    isConnected: options.isConnected ?? (() => false),
    isElsewhere: options.isElsewhere ?? (() => false),
    onDeed: options.onRegistration,
    onError: (key, error) => log.warn('a proxy that has gone could not be deregistered', { key, error }),
  });
  const memory = options.memory ?? openMemoryGuard(dpServer.maxMemoryPercent);
  const proxies = openConnectedProxies({
    ...options,
    authentication,
    registration,
    memory,
    arrivals: options.arrivals ?? openArrivals(),
  });
  let server: GrpcServer | undefined;
  let renewals: { stop(): void } | undefined;
  const tlsOf = (pair: CertificatePair) => ({
    ...tlsLimitsOf(dpServer),
    certificate: pair.certificate,
    key: pair.privateKey,
  });
  const healthDiscovery =
    options.health === undefined
      ? quietHealthDiscovery
      : openHealthDiscovery({
          ...{ settings: dpServer.hds, live, authentication, reports: options.health },
          ...{ ipOf: options.ipOf, metrics: options.healthMetrics, log },
        });

  const ads =
    (protocol: AdsProtocol): GrpcMethod =>
    (call) =>
      serveAdsStream(call, protocol, () => proxies.observe(protocol));
  const bootstrap = openBootstrap({
    settings,
    port: () => server?.port ?? dpServer.port,
    certificate: () => certificate.current().certificate,
    corefileTemplate: options.corefileTemplate,
    get: (key) => live.get(key),
    parse: (document, request) => parseOwnResource(types, document, request),
    verifyToken: async (request) => void (await authentication.verify(request, request.dataplaneToken)),
    starting: traffic.starting,
  });

  return {
    name: 'dp-server',
    get port() {
      return server?.port ?? 0;
    },
    connected: () => proxies.keys(),
    sendAway: (key) => proxies.sendAway(key),
    queued: () => proxies.queued(),
    rollout: proxies.rollout,
    async start() {
      server = await openGrpcServer({
        host: options.host,
        port: dpServer.port,
        shared: settings.general.workers > 1,
        tls: tlsOf(certificate.current()),
        methods: new Map([
          [`${adsService}DeltaAggregatedResources`, ads('incremental')],
          [`${adsService}StreamAggregatedResources`, ads('state-of-the-world')],
          [healthService, healthDiscovery],
        ]),
        onRequest: routesTo(
          new Map([
            ['/bootstrap', bootstrap],
            ['/ready', traffic.ready],
            ['/drain', traffic.drain],
            ...(options.joining ?? []),
          ]),
          options.requests,
        ),
        onBug: (error) => log.error('a request of a proxy failed', { error }),
        headersTimeoutMilliseconds: dpServer.readHeaderTimeout,
        // After an outage all that are known come at once. Pushed out, they would only come again.
        unprovenConnections: () =>
          memory.shortage() === undefined
            ? Math.max(dpServer.maxUnprovenConnections, knownProxies(live))
            : Math.min(dpServer.maxUnprovenConnections, strangersInShortage),
        stopTimeoutMilliseconds: dpServer.gracefulShutdownTimeout,
      }).catch((cause: unknown) => {
        throw cannotServe(dpServer.port, cause);
      });
      renewals = certificate.follow((pair) => server?.renew(tlsOf(pair)));
    },
    async stop() {
      // Proxies that registered themselves stay registered: the control plane goes, not they.
      registration.stop();
      renewals?.stop();
      await server?.stop();
      server = undefined;
    },
  };
}

// Each costs some 100 KiB before it can be told that it must come later.
const strangersInShortage = 50;

function knownProxies(live: LiveResources): number {
  const types = ['Dataplane', 'ZoneIngress', 'ZoneEgress'];
  return types.reduce((sum, type) => sum + live.resources(type).keys().length, 0);
}

function routesTo(posts: ReadonlyMap<string, HttpHandler>, requests: RequestMetrics | undefined): HttpHandler {
  const answer: HttpHandler = async (request) => {
    const handler = posts.get(pathOf(request));
    if (handler === undefined) return { status: 404, contentType: 'text/plain', body: '404: Page Not Found' };
    if (request.method !== 'POST') return { status: 405, contentType: 'text/plain', body: '405: Method Not Allowed' };
    return handler(request);
  };
  if (requests === undefined) return answer;
  return async (request) => {
    const started = performance.now();
    const told = { method: request.method, path: posts.has(pathOf(request)) ? pathOf(request) : '' };
    requests.began();
    try {
      const answered = await answer(request);
      const seconds = (performance.now() - started) / 1000;
      requests.answered({ ...told, status: answered.status, bodyBytes: Buffer.byteLength(answered.body), seconds });
      return answered;
    } finally {
      requests.ended();
    }
  };
}

const pathOf = ({ path }: { readonly path: string }): string => path.replace(/\?.*$/s, '');

function cannotServe(port: number, cause: unknown): MeshError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MeshError(
    'unavailable',
    `cannot serve proxies on port ${port}: ${reason}; see dpServer (KUMA_DP_SERVER_PORT, KUMA_DP_SERVER_TLS_*)`,
    {
      cause,
    },
  );
}

/** For proxies whose bootstrap is of a time when they were asked: without anything to probe Envoy waits, and logs no error. */
const quietHealthDiscovery: GrpcMethod = () => ({
  onMessage: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
});
