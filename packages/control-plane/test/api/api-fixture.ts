// An API over an empty memory store, asked in memory: what the tests of this folder and the golden set stand on.
import { createGraph, type Source } from '@ursa/collections';
import { type ConnectedProxy, type EngineInputs, openEngine } from '@ursa/engine';
import { builtinPolicies, policyResourceTypes } from '@ursa/policies';
import {
  accessResourceTypes,
  coreResourceTypes,
  createResourceTypes,
  type LabelContext,
  MeshError,
  type ResourceTypes,
} from '@ursa/resources';
import type { FastifyInstance } from 'fastify';
import { type ApiOptions, createApiApp } from '../../src/api/api.ts';
import { composeAccess } from '../../src/compose-access.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { withTypeChecks } from '../../src/identity/roles/check-types.ts';
import { fixedCertificate } from '../../src/identity/served-certificate.ts';
import { openTokens } from '../../src/identity/tokens/tokens.ts';
import { noCalls } from '../../src/instances/calls.ts';
import { soleInstance } from '../../src/instances/instances.ts';
import { type LiveResources, openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openResourceManager, type ResourceManager } from '../../src/store/resource-manager.ts';
import type { Store } from '../../src/store/store.ts';
import { openRollout } from '../../src/xds/rollout.ts';

export interface ApiFixture {
  readonly app: FastifyInstance;
  readonly options: ApiOptions;
  readonly types: ResourceTypes;
  readonly store: Store;
  readonly live: LiveResources;
  readonly manager: ResourceManager;
  /** Errors that the API took for bugs. */
  readonly bugs: readonly unknown[];
  /** Enters a proxy as connected. */
  connect(proxy: ConnectedProxy): void;
  /** Asks as a process of this machine; JSON answers are parsed. */
  ask(method: string, url: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Asked>;
}

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  readonly body: any;
}

/** The engine and the one in which shadow policies are in force, without connected proxies. */
function openEngines(live: LiveResources): Pick<ApiOptions, 'engine' | 'shadowEngine' | 'whatIf'> & {
  readonly proxies: Source<ConnectedProxy>;
} {
  const { graph } = live;
  const proxies = graph.source<ConnectedProxy>('proxies');
  const inputs: EngineInputs = {
    resources: live.resources,
    proxies,
    identities: graph.source('identities'),
    trust: graph.source('trust'),
    mtlsExits: graph.source('exits-from-mtls'),
    adminIdentities: graph.source('admin-identities'),
    serviceVips: graph.source('service-vips'),
    settings: {
      zone: 'default',
      environment: 'universal',
      dnsDomain: 'mesh',
      serviceVipPort: 80,
      autoReachableServices: false,
    },
  };
  const engine = openEngine({ graph, policies: builtinPolicies, inputs });
  return {
    engine,
    shadowEngine: openEngine({ graph, policies: builtinPolicies, inputs, shadow: true }),
    whatIf: engine.whatIf,
    proxies,
  };
}

/** A zone that stands alone, as most tests want it. */
export const aloneZone: LabelContext = { mode: 'zone', zone: 'default', environment: 'universal', federated: false };

/** Opens the fixture; `settings` are changes by path in the file, such as `apiServer.readOnly`. */
export function openApiFixture(
  settings: Readonly<Record<string, unknown>> = {},
  labels: LabelContext = aloneZone,
  changes: Partial<ApiOptions> = {},
): ApiFixture {
  const types = createResourceTypes([...coreResourceTypes, ...accessResourceTypes, ...policyResourceTypes]);
  const store = openMemoryStore();
  const live = openLiveResources(createGraph(), store);
  const manager = withTypeChecks(openResourceManager({ store, types, labels, unsafeDelete: false }), types);
  const all = defaultSettings(settings);
  const bugs: unknown[] = [];
  const engines = openEngines(live);
  const options: ApiOptions = {
    types,
    ...engines,
    envoyAdmin: { ask: async () => Promise.reject(new MeshError('unavailable', 'no proxy is connected')) },
    live,
    rollout: openRollout({
      processed: live.revision,
      deliveries: () => [],
      deliveryOf: () => undefined,
      egressMeshes: () => [],
      awaitsCertificate: () => false,
      onProgress: () => ({ stop: () => undefined }),
    }),
    storeHealth: store.health,
    instances: soleInstance('host-1', () => ({
      ...{ id: 'host-1', hostname: 'host', address: '127.0.0.1', port: 0, version: '0.0.0' },
      ...{ startTime: '2026-01-01T00:00:00.000Z', proxies: 1 },
    })),
    calls: noCalls,
    holderOf: () => undefined,
    revision: store.revision,
    manager,
    tokens: openTokens(live),
    access: composeAccess(all, live),
    settings: all.apiServer,
    labels,
    facts: { hostname: 'host', version: '0.0.0', instanceId: 'host-1', clusterId: () => 'cluster' },
    config: () => ({ mode: 'zone' }),
    logTail: () => [],
    serviceAddress: (service) => `${service}.mesh:80`,
    certificate: fixedCertificate({ certificate: '', privateKey: '' }),
    onBug: (error) => void bugs.push(error),
    ...changes,
  };
  const app = createApiApp(options);
  return {
    app,
    options,
    types,
    store,
    live,
    manager,
    bugs,
    connect: (proxy) => engines.proxies.set(`${proxy.mesh}/${proxy.name}`, proxy),
    async ask(method, url, body, headers = {}) {
      const hasBody = body !== undefined;
      const answer = await app.inject({
        method: method as 'GET',
        url,
        headers: { host: '127.0.0.1:5681', ...(hasBody ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(hasBody ? { payload: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
      });
      const isJson = String(answer.headers['content-type']).startsWith('application/json') && answer.body !== '';
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        body: isJson ? JSON.parse(answer.body) : undefined,
      };
    },
  };
}
