// The one root: reads mode and environment, opens every part over the others and returns them in the order in which they start.
import { hostname } from 'node:os';
import { createGraph } from '@ursa/collections';
import {
  type AdminIdentity,
  type ConnectedProxy,
  type IssuedIdentity,
  ipLookup,
  type MtlsExit,
  openEngine,
  type ServiceVip,
  type TrustBundle,
} from '@ursa/engine';
import { builtinPolicies } from '@ursa/policies';
import {
  accessResourceTypes,
  coreResourceTypes,
  createResourceTypes,
  type LabelContext,
  type MeshSpec,
} from '@ursa/resources';
import { readMachineId } from '@ursa/telemetry';
import { type ApiComponent, openApi } from './api/api.ts';
import type { Component } from './component.ts';
import { composeAccess, composeAdminTokenFile, composeRoles } from './compose-access.ts';
import { auditRegistrations, composeAudit } from './compose-audit.ts';
import { degradationOf } from './compose-degradation.ts';
import { composeGenerators } from './compose-generators.ts';
import { composeHealth } from './compose-health.ts';
import { composeHostAddresses } from './compose-host-addresses.ts';
import {
  apiCertificate,
  certificateRetries,
  corefileTemplateOf,
  dpServerCertificate,
  serverCertificate,
  tokenSettings,
  whenSecretsAreMade,
} from './compose-identity.ts';
import { composeInstances } from './compose-instances.ts';
import { composeJoining } from './compose-joining.ts';
import { composeAnnouncements, composeMeshIdentities } from './compose-mesh-identities.ts';
import { composeMissingProxies } from './compose-missing-proxies.ts';
import { composeReports } from './compose-reports.ts';
import { composeStrictness } from './compose-strictness.ts';
import { composeWatching } from './compose-watching.ts';
import { composeWriteChecks } from './compose-write-checks.ts';
import type { Settings } from './config/settings.ts';
import { showSettings } from './config/show-settings.ts';
import { choosePolicies } from './custom-policies/choose-policies.ts';
import { loadCustomPolicies } from './custom-policies/load-policies.ts';
import { certificateMetrics } from './diagnostics/certificate-metrics.ts';
import { declareMetrics } from './diagnostics/metrics.ts';
import { createReadiness } from './diagnostics/readiness.ts';
import { createDiagnosticsServer, type DiagnosticsServer } from './diagnostics/server.ts';
import { openPacedResources } from './generators/paced-resources.ts';
import { withAuthorityChecks } from './identity/authorities/validate-authorities.ts';
import { certificateWatchdog } from './identity/certificate-watchdog.ts';
import { systemClock } from './identity/clock.ts';
import { createEnvoyAdmin } from './identity/envoy-admin.ts';
import { identitySecrets } from './identity/identity-secrets.ts';
import { withTrustChecks } from './identity/mesh-identities/validate-trusts.ts';
import { proxyIdentities } from './identity/proxy-identities.ts';
import { withTypeChecks } from './identity/roles/check-types.ts';
import { followCertificate } from './identity/served-certificate.ts';
import { readServerCertificate } from './identity/server-certificate.ts';
import { openTokens } from './identity/tokens/tokens.ts';
import { insightKeyOf, isConnected, isElsewhere, type ProxyInsight } from './insights/insight.ts';
import { openMeshInsights } from './insights/mesh-insights.ts';
import { openPolicyRefusals } from './insights/policy-refusals.ts';
import { openProxyInsights } from './insights/proxy-insights.ts';
import { openRecentlyGone } from './insights/recently-gone.ts';
import { deriveBackendsInUse } from './insights/trusted-backends.ts';
import type { Log } from './log.ts';
import { openStore } from './open-store.ts';
import { refuseUnsupported } from './refuse-unsupported.ts';
import { initialPolicies } from './store/initial-policies.ts';
import { openLiveResources } from './store/live-resources.ts';
import { type MeshCompanion, openResourceManager, type ResourceManager } from './store/resource-manager.ts';
import { clusterIdOf, createStartupResources } from './store/startup-resources.ts';
import type { Store } from './store/store.ts';
import { networkWriteLimits, withWriteDeadline } from './store/write-deadline.ts';
import { buildInfo, makeInstanceId } from './version.ts';
import { type DpServer, openDpServer } from './xds/dp-server.ts';

/** A control plane whose parts are put together; nothing listens before its components are started. */
export interface ControlPlane {
  /** In the order in which they start; they stop in reverse. */
  readonly components: readonly Component[];
  readonly store: Store;
  readonly manager: ResourceManager;
  readonly api: ApiComponent;
  readonly dpServer: DpServer;
  readonly diagnostics: DiagnosticsServer;
}

/**
 * Puts a control plane together. Errors: `MeshError` that names the setting or the file at fault. The store is open afterwards: starting
 * and stopping the components closes it again. `openStoreOf` is for those who bring a store of their own.
 */
export async function openControlPlane(
  settings: Settings,
  log: Log,
  openStoreOf: typeof openStore = openStore,
): Promise<ControlPlane> {
  refuseUnsupported(settings);
  const clock = systemClock;
  const startTime = new Date(clock.now()).toISOString();
  const { pluginPoliciesEnabled, customPolicies } = settings.policies;
  const policies = choosePolicies({
    builtin: builtinPolicies,
    custom: await loadCustomPolicies(customPolicies),
    enabled: pluginPoliciesEnabled,
  });
  const bugs = log.component('bugs');
  const watching = composeWatching(settings, log, {
    configuration: () => engine.config.name,
    proxyType: (key) => proxies.get(key)?.proxyType ?? 'dataplane',
  });
  const opened = await openStoreOf(settings, {
    log: log.component('store'),
    onListenerError: (error) => bugs.error('a listener of the store failed', { error }),
    onCommit: watching.onCommit,
  });
  const store = watching.store(opened.store);
  const graph = createGraph({
    onError(error, where) {
      watching.failed(where);
      bugs.error('a derivation or a watch failed', { error, where });
    },
    observer: watching.graph,
  });
  const live = openLiveResources(graph, store);
  const types = createResourceTypes([
    ...coreResourceTypes,
    ...accessResourceTypes,
    ...policies.map(({ resourceType }) => resourceType),
  ]);
  const labels: LabelContext = {
    mode: settings.mode,
    zone: settings.multizone.zone.name,
    environment: settings.environment,
    federated: false,
    originRequired: !settings.multizone.zone.disableOriginLabelValidation,
  };
  const place = { zone: labels.zone, environment: labels.environment };
  const bringPolicies: MeshCompanion = ({ mesh, before }) => {
    if (before !== undefined) return [];
    const skipped = (mesh.spec as MeshSpec).skipCreatingInitialPolicies ?? [];
    return initialPolicies(policies, mesh.name, { skipped, routing: settings.defaults.createMeshRoutingResources });
  };
  const openedManager = openResourceManager({
    store: withWriteDeadline(store, networkWriteLimits),
    types,
    labels,
    unsafeDelete: settings.store.unsafeDelete,
    companions: [bringPolicies],
  });
  const uncheckedManager = withTrustChecks(withAuthorityChecks(openedManager, live));

  const certificate = await serverCertificate(settings, log.component('certificates'));
  const tokens = openTokens(live, { clock, keyPatience: 10_000, ...(await tokenSettings(settings)) });
  const identityLog = log.component('identity');
  const instanceId = makeInstanceId();
  const several = composeInstances(settings, {
    store,
    connections: opened.connections,
    live,
    clock,
    log,
    instanceId,
    describe: () => ({
      id: instanceId,
      hostname: hostname(),
      version: buildInfo.version,
      startTime,
      proxies: dpServer.connected().length,
    }),
    connected: () => dpServer.connected(),
    sendAway: (key) => dpServer.sendAway(key),
    isConnectedHere: (key) => proxies.get(key) !== undefined,
    onReturn: () => insights.reassert(),
    metrics: watching.instances,
  });
  const { leaderStore, led } = several;
  const secrets = identitySecrets({
    live,
    store: leaderStore,
    clock,
    place,
    bootstrapAdminToken: settings.apiServer.authn.tokens.bootstrapAdminToken,
    onFailure: (what, error) => identityLog.error('a secret could not be made; it is tried again', { what, error }),
  });

  const proxies = graph.source<ConnectedProxy>('connected-proxies');
  const identities = graph.source<IssuedIdentity>('issued-identities');
  const trust = graph.source<TrustBundle>('trust-bundles');
  const mtlsExits = graph.source<MtlsExit>('exits-from-mtls');
  const adminIdentities = graph.source<AdminIdentity>('admin-identities');
  const vips = graph.source<ServiceVip>('service-vips');
  const addresses = graph.source<string>('addresses of host names');
  const inputs = {
    resources: live.resources,
    proxies,
    identities,
    trust,
    mtlsExits,
    hostAddresses: addresses,
    adminIdentities,
    serviceVips: vips,
    settings: {
      zone: labels.zone,
      environment: settings.environment,
      dnsDomain: settings.dnsServer.domain,
      serviceVipPort: settings.dnsServer.serviceVipPort,
      autoReachableServices: settings.experimental.autoReachableServices,
      spireSocketPath: settings.runtime.universal.spireSocketPath,
    },
  };
  const engine = openEngine({ graph, policies, inputs });
  const manager = composeWriteChecks(
    settings,
    withTypeChecks(uncheckedManager, types),
    { graph, inputs, policies },
    log,
  );
  const { instances, calls } = several;
  const announcements = composeAnnouncements({
    ...{ live, place, instances, calls, log },
    rollout: () => dpServer.rollout,
    egressMeshes: engine.egressMeshes,
  });
  const recentlyGone = openRecentlyGone(live, clock);
  const certificates = proxyIdentities({
    live,
    store,
    clock,
    retries: certificateRetries(settings),
    backendsInUse: deriveBackendsInUse(live, recentlyGone.proxies),
    place,
    ...announcements,
    proxies,
    identityRequest: engine.identityRequest,
    identityKeys: engine.identityKeys,
    identities,
    trust,
    mtlsExits,
    adminIdentities,
    onFailure: (what, error) => identityLog.error('a certificate could not be issued', { what, error }),
    metrics: watching.identities,
  });

  const paced = openPacedResources(store, clock);
  const generators = composeGenerators(settings, {
    ...{ store: leaderStore, led, clock, paced, graph, vips, log },
    metrics: watching.generators,
  });
  const insightsLog = log.component('insights');
  const onInsightsError = (error: unknown) => insightsLog.error('insights could not be written', { error });
  const insights = openProxyInsights({
    store,
    live,
    identities,
    trust,
    egressMeshes: () => engine.egressMeshes.get(),
    instanceId,
    machineId: readMachineId(settings.interCp.machineId),
    ownVersion: buildInfo.version,
    subscriptionLimit: settings.metrics.dataplane.subscriptionLimit,
    flushIntervalMilliseconds: settings.xdsServer.dataplaneStatusFlushInterval,
    onError: onInsightsError,
  });
  const meshInsights = openMeshInsights({
    store: leaderStore,
    live,
    types,
    intervalMilliseconds: settings.metrics.mesh.minResyncInterval,
    onError: onInsightsError,
    metrics: watching.meshInsights,
  });
  const refusalsLog = log.component('refusals');
  const refusals = openPolicyRefusals({
    store,
    live,
    engine,
    guards: new Set(policies.flatMap(({ name, guardsAccess }) => (guardsAccess === true ? [name] : []))),
    log: refusalsLog,
    onError: (error) => refusalsLog.error('a refusal could not be worked on', { error }),
  });
  const corefileTemplate = await corefileTemplateOf(settings);
  const health = composeHealth(settings, store, log);
  const awaitsCertificate = (proxyKey: string): boolean =>
    engine.identityKeys.get(proxyKey).some((key) => {
      const request = engine.identityRequest.get(key);
      return request !== undefined && identities.get(key)?.backend !== request.backend;
    });
  const dpCertificate = await dpServerCertificate(settings, certificate, log.component('certificates'));
  const joining = composeJoining(settings, {
    ...{ live, store, tokens, clock, log, chain: () => dpCertificate.current().certificate },
    port: () => dpServer.port,
  });
  const readiness = createReadiness();
  const audit = composeAudit(settings, { live, log, instance: instanceId, readiness });
  const dpServer: DpServer = openDpServer({
    settings,
    ...(corefileTemplate === undefined ? {} : { corefileTemplate }),
    certificate: dpCertificate,
    joining: joining.endpoints,
    live,
    manager,
    types,
    proxies,
    engine,
    certified: (proxyKey) => certificates.settled(proxyKey),
    awaitsCertificate,
    egressMeshes: () => engine.egressMeshes.get(),
    tokens,
    observer: insights,
    ...(several.starting === undefined ? {} : { starting: several.starting }),
    isConnected: (key) => isConnected(live.get(insightKeyOf(key))?.spec as ProxyInsight | undefined),
    isElsewhere: (key) => isElsewhere(live.get(insightKeyOf(key))?.spec as ProxyInsight | undefined, instanceId),
    refusals,
    onRegistration: auditRegistrations(audit, types),
    ...(health[0] === undefined ? {} : { health: health[0], healthMetrics: watching.health }),
    ipOf: ipLookup(inputs),
    metrics: watching.xds,
    propagation: watching.propagation,
    requests: watching.dpServerRequests,
    log: log.component('xds'),
  });

  const envoyAdmin = createEnvoyAdmin({ live, clock, proxies, adminIdentities });
  const watchdog = certificateWatchdog({
    ...{ graph, clock, identities, envoyAdmin, renew: certificates.renew },
    onLook: (key, finding) => insights.certificate(key, finding),
  });
  certificateMetrics(watching.meter, {
    identities,
    trust,
    states: certificates.states,
    findings: watchdog.findings,
    now: () => clock.now(),
  });
  declareMetrics({
    meter: watching.meter,
    store,
    leadership: several.leadership,
    live,
    graph,
    log,
    types: types.all.map(({ name }) => name),
    version: buildInfo.version,
    instanceId,
    clusterId: () => clusterIdOf(live),
    connectedProxies: () => dpServer.connected().length,
    queuedPushes: () => dpServer.queued(),
    refusedUpdates: refusals.refusedUpdates,
    heldBackPolicies: refusals.heldBackPolicies,
    countResources: settings.metrics.controlPlane.reportResourcesCount,
  });
  const diagnostics = createDiagnosticsServer({
    settings: settings.diagnostics,
    // The process that started this worker serves the port, and asks here.
    host: settings.general.workers > 1 ? '127.0.0.1' : undefined,
    sources: {
      readiness,
      log,
      metrics: () => watching.meter.text(),
      debugEndpoints: settings.diagnostics.debugEndpoints,
    },
    certificate: async () => {
      const { tlsCertFile, tlsKeyFile } = settings.diagnostics;
      if (tlsCertFile === '') return certificate;
      return followCertificate(await readServerCertificate(tlsCertFile, tlsKeyFile), log.component('certificates'));
    },
  });
  const access = composeAccess(settings, live);
  const api = openApi({
    types,
    engine,
    shadowEngine: openEngine({ graph, policies, inputs, shadow: true }),
    whatIf: engine.whatIf,
    proxies,
    envoyAdmin,
    guarded: composeStrictness(settings, {
      ...{ live, clock, proxies, adminIdentities, engine, policies, awaitsCertificate, several },
    }),
    live,
    rollout: dpServer.rollout,
    instances: several.instances,
    calls: several.calls,
    holderOf: several.holderOf,
    storeHealth: () => store.health(),
    revision: () => store.revision(),
    manager,
    tokens,
    joining,
    access: audit?.observe(access) ?? access,
    audit,
    settings: settings.apiServer,
    sharedPorts: settings.general.workers > 1,
    labels,
    facts: { hostname: hostname(), version: buildInfo.version, instanceId, clusterId: () => clusterIdOf(live) },
    config: () => showSettings(settings),
    logTail: () => log.tail(),
    serviceAddress: (service) => `${service}.${settings.dnsServer.domain}:${settings.dnsServer.serviceVipPort}`,
    certificate: await apiCertificate(settings, certificate, log.component('certificates')),
    certificateLog: log.component('certificates'),
    requests: watching.apiRequests,
    tracer: watching.tracer,
    onBug: (error, request) => bugs.error('a request to the API failed', { error, request }),
  });

  const startup: Component = {
    name: 'startup-resources',
    start: () =>
      createStartupResources(
        { store, live, manager },
        {
          zone: labels.zone,
          environment: labels.environment,
          skipMesh: settings.defaults.skipMeshCreation,
          skipTenant: settings.defaults.skipTenantResources,
          skipHostnameGenerators: settings.defaults.skipHostnameGenerators,
        },
      ),
    stop: async () => {},
  };
  const storeComponent: Component = {
    name: 'store',
    start: async () => {},
    async stop() {
      tokens.stop();
      secretsWatch.stop();
      paced.stop();
      recentlyGone.stop();
      live.stop();
      await store.close();
    },
  };
  const secretsMade = readiness.await('secrets', 'keys and authorities are being made');
  const secretsWatch = whenSecretsAreMade(live, settings, secretsMade);
  readiness.addDegradable('store', () => degradationOf(store.health()));
  const components = [
    storeComponent,
    watching.sending,
    diagnostics,
    startup,
    ...composeRoles(settings, store, live, log),
    ...composeAdminTokenFile(settings, live, log),
    composeHostAddresses(settings, { live, clock, addresses, log }),
    ...generators,
    certificates,
    ...several.presence,
    insights,
    ...several.upkeep,
    led(
      composeMissingProxies(settings, {
        store: leaderStore,
        ...{ live, clock, log },
        instances: opened.connections && several.instances,
        contact: several.contact,
      }),
    ),
    led(meshInsights),
    led(composeMeshIdentities({ paced, store: leaderStore, clock, place, announce: announcements.announce, log })),
    refusals,
    ...health,
    dpServer,
    watchdog,
    ...joining.local,
    api,
    ...composeReports(settings, { live, types: types.all, clock, log, instanceId }).map(led),
    // Last, so that making keys takes no time from the start: who needs one waits for it, and `/ready` does.
    led(secrets),
    ...several.candidacy,
  ];
  const parts = components.map((component) => awaited(component, readiness));
  return { components: parts, store, manager, api, dpServer, diagnostics };
}

/** The component, counted as not ready until it has started. */
function awaited(component: Component, readiness: ReturnType<typeof createReadiness>): Component {
  const done = readiness.await(component.name, 'not started yet');
  return {
    name: component.name,
    async start() {
      await component.start();
      done();
    },
    stop: () => component.stop(),
  };
}
