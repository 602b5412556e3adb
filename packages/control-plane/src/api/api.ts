// The REST API as a component: routes over the live resources, served over HTTP and HTTPS.
import type { Collection } from '@ursa/collections';
import type { Engine, ProxyId, ResourceDrafts } from '@ursa/engine';
import { formatResource, type LabelContext, type Resource, type ResourceTypes } from '@ursa/resources';
import type { RequestMetrics } from '@ursa/telemetry';
import type { FastifyInstance } from 'fastify';
import type { Component } from '../component.ts';
import type { Settings } from '../config/settings.ts';
import type { Tokens } from '../identity/access.ts';
import type { AccessControl } from '../identity/access-control.ts';
import type { Audit } from '../identity/audit/audit.ts';
import type { EnvoyAdmin } from '../identity/envoy-admin.ts';
import type { RenewalLog, ServedCertificate } from '../identity/served-certificate.ts';
import type { InstanceCalls } from '../instances/calls.ts';
import type { Instances } from '../instances/instances.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { ResourceManager } from '../store/resource-manager.ts';
import type { StoreHealth } from '../store/store.ts';
import type { Tracer } from '../tracing/tracer.ts';
import type { RolloutViews } from '../xds/rollout.ts';
import { diffRoutes } from './diff/diff-routes.ts';
import { type ControlPlaneFacts, discoveryRoutes } from './discovery-routes.ts';
import { followRollout } from './follow-rollout.ts';
import { guiRoutes } from './gui-routes.ts';
import { withHeldBack } from './held-back-rollout.ts';
import { createApp } from './http/app.ts';
import { createAuthentication } from './http/caller.ts';
import { followClientAuthorities } from './http/client-authorities.ts';
import { createCrossOrigin } from './http/cross-origin.ts';
import { openRequestBudgets } from './http/request-budgets.ts';
import type { Route } from './http/route.ts';
import { type OpenServer, openHttpServer, openHttpsServer } from './http/server.ts';
import { readTlsOptions } from './http/tls.ts';
import { insightsRoutes } from './insights-routes.ts';
import { configRoutes } from './inspect/config-routes.ts';
import { dataplaneRoutes } from './inspect/dataplane-routes.ts';
import { envoyRoutes } from './inspect/envoy-routes.ts';
import { explainRoutes } from './inspect/explain-routes.ts';
import { gatewayRoutes } from './inspect/gateway-routes.ts';
import { hostnameRoutes } from './inspect/hostname-routes.ts';
import { matchingRoutes } from './inspect/matching-routes.ts';
import { createProxyInspector } from './inspect/proxy-inspector.ts';
import { forwardedRoutes } from './instances/forwarded-routes.ts';
import { gatherRollout } from './instances/gathered-rollout.ts';
import { instancesRoutes } from './instances/instances-routes.ts';
import { type JoinCodeOptions, joinCodeRoutes } from './join-code-routes.ts';
import { describedRoutes } from './openapi/routes.ts';
import { applyRoutes } from './resources/apply-routes.ts';
import { kriRoutes } from './resources/kri-routes.ts';
import { overviewRoutes } from './resources/overview-routes.ts';
import { createPolicyStatus } from './resources/policy-status.ts';
import { readRoutes } from './resources/read-routes.ts';
import { createResourceReader } from './resources/reader.ts';
import { serviceInsightRoutes } from './resources/service-insight-routes.ts';
import { createWriteGuard } from './resources/write-guard.ts';
import { writeRoutes } from './resources/write-routes.ts';
import { rolloutRoutes } from './rollout-routes.ts';
import { mtlsPlanRoutes } from './strictness/mtls-plan-routes.ts';
import type { Strictness } from './strictness/strictness.ts';
import { guardStrictness } from './strictness/strictness-guard.ts';
import { tokensRoutes } from './tokens-routes.ts';

/** Everything the API stands on. */
export interface ApiOptions {
  readonly types: ResourceTypes;
  readonly engine: Pick<
    Engine,
    | 'rules'
    | 'gatewayRules'
    | 'config'
    | 'heldBack'
    | 'unusable'
    | 'faultOf'
    | 'affectedDataplanes'
    | 'collectorRefs'
    | 'unsentTo'
    | 'explain'
    | 'referenceFindings'
    | 'idleFindings'
  >;
  /** An engine over the same inputs in which shadow policies are in force. */
  readonly shadowEngine: Pick<Engine, 'config'>;
  /** An engine over the same inputs in which drafts have happened. */
  readonly whatIf: (
    drafts: ResourceDrafts,
  ) => Pick<
    Engine,
    'config' | 'affectedDataplanes' | 'referenceFindings' | 'idleFindings' | 'identityRequest' | 'strictInbounds'
  >;
  /** Guards writes that make inbounds insist on mTLS; without it none is refused. */
  readonly guarded?: GuardedStrictness;
  /** Connected proxies by key. */
  readonly proxies: Pick<Collection<unknown>, 'keys'>;
  /** Asks connected proxies. */
  readonly envoyAdmin: EnvoyAdmin;
  readonly live: LiveResources;
  /** How far the connected proxies have come with a change. */
  readonly rollout: RolloutViews;
  /** Whether the store can be written, and whether what memory holds may be old. */
  readonly storeHealth: () => StoreHealth;
  /** Who else there is, and how they are asked for what only they know. */
  readonly instances: Instances;
  readonly calls: InstanceCalls;
  /** Id of the instance that has a proxy's connection, if another one has it. */
  readonly holderOf: (proxy: ProxyId) => string | undefined;
  /** Revision of the store. */
  readonly revision: () => number;
  readonly manager: ResourceManager;
  readonly tokens: Tokens;
  /** Makes join codes; without it there are none. */
  readonly joining?: Pick<JoinCodeOptions, 'codes' | 'reachableAs'>;
  readonly access: AccessControl;
  readonly settings: Settings['apiServer'];
  /** Whether other processes listen on the same ports. */
  readonly sharedPorts?: boolean;
  /** Decides origin, zone and environment labels, and which types may be written here. */
  readonly labels: LabelContext;
  readonly facts: Omit<ControlPlaneFacts, 'gui'>;
  /** All settings as JSON, secrets masked; the body of `/config`. */
  readonly config: () => unknown;
  /** The newest lines of the log. */
  readonly logTail: () => readonly string[];
  /** Under which host name and port applications reach a service by its tag: `<service>.mesh:80`. */
  readonly serviceAddress: (service: string) => string;
  /** Used by the HTTPS server when the settings name no files. */
  readonly certificate: ServedCertificate;
  /** Told when other authorities of client certificates count. */
  readonly certificateLog?: RenewalLog;
  /** Hears of every request. */
  readonly requests?: RequestMetrics;
  /** Traces requests. */
  readonly tracer?: Pick<Tracer, 'request'> | undefined;
  /** Writes down who did what. `access` is what it observes. */
  readonly audit?: Pick<Audit, 'begin'> | undefined;
  readonly onBug: (error: unknown, request: string) => void;
  readonly now?: () => Date;
}

/** What guards the step to strict mTLS, and which policies make it beside Meshes. */
export interface GuardedStrictness {
  readonly strictness: Strictness;
  readonly modeTypes: ReadonlySet<string>;
}

/** The API server, and the ports it got (for port 0). */
export interface ApiComponent extends Component {
  readonly ports: { readonly http: number | undefined; readonly https: number | undefined };
}

/** How long requests that run at a stop may take to end. */
const graceMilliseconds = 5_000;
const silent: RenewalLog = { info: () => undefined, warn: () => undefined };

/** The API as a component. Start errors: `MeshError` for ports that are taken and certificates that cannot be read. */
export function openApi(options: ApiOptions): ApiComponent {
  const app = createApiApp(options);
  const { settings } = options;
  let http: OpenServer | undefined;
  let https: OpenServer | undefined;
  let followed: readonly { stop(): void }[] = [];
  return {
    name: 'api',
    get ports() {
      return { http: http?.port, https: https?.port };
    },
    async start() {
      // Certificates are read first: a control plane that cannot serve HTTPS shall not answer on HTTP for a moment.
      const { certificate } = options;
      const tls = settings.https.enabled ? readTlsOptions(settings, certificate.current()) : undefined;
      await app.ready();
      if (settings.http.enabled) http = await openHttpServer(settings, app.routing, options.sharedPorts);
      if (tls === undefined) return;
      try {
        https = await openHttpsServer(settings, tls, app.routing, options.sharedPorts);
        let clients = tls;
        followed = [
          certificate.follow(({ certificate: cert, privateKey: key }) => https?.renew({ ...clients, cert, key })),
          followClientAuthorities(settings, certificate.current, options.certificateLog ?? silent, (changed) => {
            clients = changed;
            https?.renew(changed);
            https?.closeProven(graceMilliseconds);
          }),
        ];
      } catch (error) {
        await http?.close(0);
        throw error;
      }
    },
    async stop() {
      for (const each of followed) each.stop();
      await Promise.all([http?.close(graceMilliseconds), https?.close(graceMilliseconds)]);
      await app.close();
    },
  };
}

/** The API without ports, to be asked in memory. */
export function createApiApp(options: ApiOptions): FastifyInstance {
  const { settings } = options;
  return createApp({
    routes: apiRoutes(options),
    authenticate: createAuthentication(settings.authn, options.tokens),
    budgets: openRequestBudgets(settings.maxRequestsPerSecond),
    crossOrigin: createCrossOrigin(settings.corsAllowedDomains),
    storeHealth: options.storeHealth,
    now: options.now ?? (() => new Date()),
    onBug: options.onBug,
    tracer: options.tracer,
    audit: options.audit,
    ...(options.requests === undefined ? {} : { observer: options.requests }),
  });
}

/** Every route of the API, the description and the page of the GUI included. */
export function apiRoutes(options: ApiOptions): readonly Route[] {
  const { types, settings, facts } = options;
  const format = (resource: Resource): unknown => {
    const type = types.byName(resource.type);
    return type === undefined ? resource : formatResource(type, resource);
  };
  const isPolicy = (type: string): boolean => types.byName(type)?.policy !== undefined;
  const policyStatus = createPolicyStatus(options.live, options.engine, isPolicy);
  const reader = createResourceReader(types, options.live, options.access, format, (resource) =>
    isPolicy(resource.type) || resource.type === 'MeshOpenTelemetryBackend' ? policyStatus(resource) : resource,
  );
  const inspector = createProxyInspector(reader, options.engine);
  const guard = createWriteGuard(options.labels, settings.readOnly);
  const { manager, labels, access, guarded } = options;
  const strictness = guarded && guardStrictness(guarded.strictness, manager, guarded.modeTypes);
  const writing = { reader, manager, labels, guard, access, strictness };
  const gui = settings.gui.enabled && !options.labels.federated;
  const guiAddress = settings.gui.rootUrl === '' ? settings.gui.basePath : settings.gui.rootUrl;
  const rollout = followRollout(withHeldBack(options.rollout, options.live, options.engine));
  const routes = [
    ...discoveryRoutes({
      reader,
      guard,
      access: options.access,
      facts: { ...facts, clusterId: facts.clusterId, gui: gui ? guiAddress : '' },
      config: options.config,
      logTail: options.logTail,
    }),
    ...insightsRoutes(reader, options.now ?? (() => new Date())),
    ...kriRoutes(reader, options.revision),
    ...overviewRoutes(reader),
    ...dataplaneRoutes(reader, inspector, labels),
    ...matchingRoutes(reader, inspector),
    ...instancesRoutes(options.instances, options.now ?? (() => new Date())),
    ...rolloutRoutes(
      reader,
      gatherRollout(rollout, options),
      options.revision,
      () => options.instances.list().length > 1,
    ),
    ...diffRoutes({ ...options, reader, guard, format, strictness }),
    ...applyRoutes(writing),
    ...forwardedRoutes(
      [...configRoutes(reader, options.access, options), ...envoyRoutes(reader, options.access, options.envoyAdmin)],
      options,
    ),
    ...gatewayRoutes(reader, options.engine),
    ...(guarded === undefined ? [] : mtlsPlanRoutes(reader, access, guarded.strictness)),
    ...explainRoutes(reader, options.access, options.engine),
    ...hostnameRoutes(reader, options.labels),
    ...serviceInsightRoutes(reader, options.serviceAddress),
    ...types.all.flatMap((type) =>
      pathsOf(type.name, type.path).flatMap((path) => [
        ...(type.name === 'ServiceInsight' ? [] : readRoutes(type, path, reader, options.revision)),
        ...writeRoutes(type, path, writing),
      ]),
    ),
    ...tokensRoutes({ tokens: options.tokens, access }),
    ...(options.joining === undefined ? [] : joinCodeRoutes({ ...options.joining, access: options.access })),
  ];
  const basePath = settings.basePath.replace(/\/+$/, '');
  const described = describedRoutes(routes, types, {
    version: facts.version,
    basePath: basePath === '' ? '/' : basePath,
  });
  return [
    ...described.map((route) => ({ ...route, path: basePath + route.path })),
    ...(gui ? guiRoutes(settings.gui.basePath) : []),
  ];
}

/** Paths that older clients use for three types, beside the regular one. */
const olderPaths: Readonly<Record<string, string>> = {
  GlobalSecret: 'global-secrets',
  ZoneIngress: 'zone-ingresses',
  ZoneEgress: 'zone-egresses',
};

function pathsOf(name: string, path: string): readonly string[] {
  const older = olderPaths[name];
  return older === undefined ? [path] : [path, older];
}
