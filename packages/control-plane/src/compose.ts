// The one root: reads mode and environment, opens every part over the others and returns them in the order in which they start.
import { hostname } from 'node:os';
import { createGraph } from '@ursa/collections';
import { builtinPolicies, policyResourceTypes } from '@ursa/policies';
import { coreResourceTypes, createResourceTypes, type LabelContext, type MeshSpec } from '@ursa/resources';
import { type ApiComponent, openApi } from './api/api.ts';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import { showSettings } from './config/show-settings.ts';
import { createMetrics } from './diagnostics/metrics.ts';
import { createReadiness } from './diagnostics/readiness.ts';
import { createDiagnosticsServer, type DiagnosticsServer } from './diagnostics/server.ts';
import { systemClock } from './identity/clock.ts';
import { identitySecrets } from './identity/identity-secrets.ts';
import { openServerCertificate, readServerCertificate } from './identity/server-certificate.ts';
import { loadPublicKeys } from './identity/tokens/configured-keys.ts';
import { openTokens } from './identity/tokens/tokens.ts';
import type { Log } from './log.ts';
import { openStore, workDirOf } from './open-store.ts';
import { refuseUnsupported } from './refuse-unsupported.ts';
import { initialPolicies } from './store/initial-policies.ts';
import { openLiveResources } from './store/live-resources.ts';
import { type MeshCompanion, openResourceManager, type ResourceManager } from './store/resource-manager.ts';
import { clusterIdOf, createStartupResources } from './store/startup-resources.ts';
import type { Store } from './store/store.ts';
import { buildInfo, makeInstanceId } from './version.ts';

/** A control plane whose parts are put together; nothing listens before its components are started. */
export interface ControlPlane {
  /** In the order in which they start; they stop in reverse. */
  readonly components: readonly Component[];
  readonly store: Store;
  readonly manager: ResourceManager;
  readonly api: ApiComponent;
  readonly diagnostics: DiagnosticsServer;
}

/**
 * Puts a control plane together. Errors: `MeshError` that names the setting or the file at fault. The store is open afterwards: starting
 * and stopping the components closes it again.
 */
export async function openControlPlane(settings: Settings, log: Log): Promise<ControlPlane> {
  refuseUnsupported(settings);
  const clock = systemClock;
  const bugs = log.component('bugs');
  const store = openStore(settings, {
    onListenerError: (error) => bugs.error('a listener of the store failed', { error }),
  });
  const graph = createGraph();
  const live = openLiveResources(graph, store);
  const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
  const labels: LabelContext = {
    mode: settings.mode,
    zone: settings.multizone.zone.name,
    environment: settings.environment,
    federated: false,
    originRequired: !settings.multizone.zone.disableOriginLabelValidation,
  };
  const bringPolicies: MeshCompanion = ({ mesh, before }) => {
    if (before !== undefined) return [];
    const skipped = (mesh.spec as MeshSpec).skipCreatingInitialPolicies ?? [];
    const policies = initialPolicies(mesh.name, { skipped, routing: settings.defaults.createMeshRoutingResources });
    return policies.filter(({ type }) => types.byName(type) !== undefined);
  };
  const manager = openResourceManager({
    store,
    types,
    labels,
    unsafeDelete: settings.store.unsafeDelete,
    companions: [bringPolicies],
  });

  const certificate = await serverCertificate(settings);
  const tokens = openTokens(live, { clock, keyPatience: 2_000, ...(await tokenSettings(settings)) });
  const identityLog = log.component('identity');
  const secrets = identitySecrets({
    live,
    store,
    clock,
    bootstrapAdminToken: settings.apiServer.authn.tokens.bootstrapAdminToken,
    onFailure: (what, error) => identityLog.error('a secret could not be made; it is tried again', { what, error }),
  });

  const instanceId = makeInstanceId();
  const readiness = createReadiness();
  const metrics = createMetrics({
    store,
    live,
    graph,
    log,
    types: types.all.map(({ name }) => name),
    version: buildInfo.version,
    instanceId,
    zone: labels.zone,
    countResources: settings.metrics.controlPlane.reportResourcesCount,
  });
  const diagnostics = createDiagnosticsServer({
    settings: settings.diagnostics,
    sources: { readiness, log, metrics, debugEndpoints: settings.diagnostics.debugEndpoints },
    certificate: async () => {
      const { tlsCertFile, tlsKeyFile } = settings.diagnostics;
      return tlsCertFile === '' ? certificate : await readServerCertificate(tlsCertFile, tlsKeyFile);
    },
  });
  const api = openApi({
    types,
    policies: builtinPolicies,
    live,
    revision: () => store.revision(),
    manager,
    tokens,
    access: settings.access.static,
    settings: settings.apiServer,
    labels,
    facts: { hostname: hostname(), version: buildInfo.version, instanceId, clusterId: () => clusterIdOf(live) },
    config: () => showSettings(settings),
    serviceAddress: (service) => `${service}.${settings.dnsServer.domain}:${settings.dnsServer.serviceVipPort}`,
    certificate,
    metrics,
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
      live.stop();
      await store.close();
    },
  };
  readiness.add('store', () => {
    const health = store.health();
    return health.ok ? undefined : `cannot be written since ${health.since}: ${health.reason}`;
  });
  const components = [storeComponent, diagnostics, startup, secrets, api];
  return { components: components.map((component) => awaited(component, readiness)), store, manager, api, diagnostics };
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

async function serverCertificate(settings: Settings) {
  const { tlsCertFile, tlsKeyFile } = settings.general;
  if (tlsCertFile !== '') return await readServerCertificate(tlsCertFile, tlsKeyFile);
  return await openServerCertificate(workDirOf(settings));
}

async function tokenSettings(settings: Settings) {
  const { dpToken } = settings.dpServer.authn.dpProxy;
  const { zoneToken } = settings.dpServer.authn.zoneProxy;
  const user = settings.apiServer.authn.tokens;
  const keys = await Promise.all([
    loadPublicKeys('dataplane', dpToken.validator.publicKeys, 'dpServer.authn.dpProxy.dpToken.validator.publicKeys'),
    loadPublicKeys('zone', zoneToken.validator.publicKeys, 'dpServer.authn.zoneProxy.zoneToken.validator.publicKeys'),
    loadPublicKeys('user', user.validator.publicKeys, 'apiServer.authn.tokens.validator.publicKeys'),
  ]);
  const secrets = { dataplane: dpToken.validator, zone: zoneToken.validator, user: user.validator } as const;
  const kinds = ['dataplane', 'zone', 'user'] as const;
  return { publicKeys: keys.flat(), withoutSecrets: kinds.filter((kind) => !secrets[kind].useSecrets) };
}
