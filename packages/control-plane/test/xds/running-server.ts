// A dp-server on loopback over a memory store, with an engine whose configurations a test sets by hand and tokens that it hands out.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGraph } from '@ursa/collections';
import type { ConnectedProxy, IssuedIdentity, ProxyConfig, TrustBundle } from '@ursa/engine';
import type { ProxyRules } from '@ursa/policy';
import { coreResourceTypes, createResourceTypes, MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import { defaultSettings } from '../../src/config/load-settings.ts';
import type { DataplaneTokenClaims, Tokens } from '../../src/identity/access.ts';
import type { Clock } from '../../src/identity/clock.ts';
import { fixedCertificate } from '../../src/identity/served-certificate.ts';
import { openServerCertificate } from '../../src/identity/server-certificate.ts';
import { openTokens } from '../../src/identity/tokens/tokens.ts';
import { openInboundHealth } from '../../src/insights/inbound-health.ts';
import type { ProxyInsight } from '../../src/insights/insight.ts';
import { openProxyInsights } from '../../src/insights/proxy-insights.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openResourceManager } from '../../src/store/resource-manager.ts';
import type { Arrivals } from '../../src/xds/arrivals.ts';
import { type DpServer, openDpServer } from '../../src/xds/dp-server.ts';
import type { MemoryGuard } from '../../src/xds/memory-guard.ts';
import type { ProxyResources } from '../../src/xds/push-sequence.ts';
import type { RegistrationDeed } from '../../src/xds/registration.ts';

/** Token text to claims; what is not in it is refused. */
export type KnownTokens = Map<string, DataplaneTokenClaims>;

export interface RunningServer {
  readonly server: DpServer;
  readonly tokens: Tokens;
  readonly port: number;
  /** PEM; what clients may trust. */
  readonly certificate: string;
  /** Keys of proxies, as the engine sees them. */
  proxies(): readonly string[];
  /** What a proxy is to be configured with. */
  configure(proxyKey: string, resources: ProxyResources): void;
  put(...resources: readonly Partial<Resource>[]): Promise<void>;
  remove(type: string, mesh: string, name: string): Promise<void>;
  get(type: string, mesh: string, name: string): Resource | undefined;
  /** The insight as stored; everything that waits is written first. */
  insight(name: string): Promise<ProxyInsight | undefined>;
  /** Makes a token no longer good. */
  revoke(token: string, reason: string): void;
  stop(): Promise<void>;
}

export interface ServerChoices {
  /** By path: `dpServer.port`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Tokens that are taken at their word; without them nobody needs one. */
  readonly tokens?: KnownTokens;
  /** Whether there is memory for more proxies. */
  readonly memory?: MemoryGuard;
  /** A test may come as often as it likes, unless it brings these along. */
  readonly arrivals?: Arrivals;
  /** Real tokens, signed with this key (base64 of a PEM). */
  readonly signingKey?: string;
  /** Told of what proxies have written. */
  readonly onRegistration?: (deed: RegistrationDeed) => void;
  /** When real tokens are issued and expire. */
  readonly clock?: Clock;
  /** Whether it is written that a proxy is connected to any instance. */
  readonly isConnected?: (key: ResourceKey) => boolean;
}

const everyoneAtOnce: Arrivals = { enter: async () => true, offended: () => undefined, size: 0 };

// Making a certificate takes a moment; one is enough for all tests of a run.
let certificate: ReturnType<typeof openServerCertificate> | undefined;

/** Starts a server on a free port. The mesh `default` and the Dataplane `web` in it exist. */
export async function startServer(choices: ServerChoices = {}): Promise<RunningServer> {
  certificate ??= openServerCertificate(mkdtempSync(join(tmpdir(), 'ursa-cert-')));
  const authn = choices.tokens === undefined && choices.signingKey === undefined ? 'none' : 'dpToken';
  const settings = defaultSettings({ 'dpServer.port': 0, 'dpServer.authn.dpProxy.type': authn, ...choices.settings });
  const store = openMemoryStore();
  const graph = createGraph();
  const live = openLiveResources(graph, store);
  const types = createResourceTypes(coreResourceTypes);
  const manager = openResourceManager({
    store,
    types,
    labels: { mode: 'zone', zone: 'default', environment: 'universal', federated: false },
    unsafeDelete: false,
  });
  const proxies = graph.source<ConnectedProxy>('proxies');
  const configurations = graph.source<ProxyResources>('configurations');
  const config = graph.derive('config', (proxyKey: string): ProxyConfig | undefined => {
    const resources = configurations.get(proxyKey);
    if (resources === undefined || proxies.get(proxyKey) === undefined) return undefined;
    return { resources, warnings: [] };
  });
  const rules = graph.derive('rules', (): ReadonlyMap<string, ProxyRules> => new Map());
  const invalid = new Map<string, Set<(reason: string) => void>>();
  const insights = openProxyInsights({
    store,
    live,
    identities: graph.source<IssuedIdentity>('identities'),
    trust: graph.source<TrustBundle>('trust'),
    egressMeshes: () => [],
    instanceId: 'test',
    machineId: '',
    ownVersion: '0.1.0',
    subscriptionLimit: 2,
    flushIntervalMilliseconds: 10_000,
    onError: (error) => {
      throw error;
    },
  });
  const health = openInboundHealth({
    store,
    gather: 0,
    onError: (error) => {
      throw error;
    },
  });
  const silent = { error: () => undefined, info: () => undefined, warn: () => undefined };
  const chain = await certificate;
  const signed = choices.signingKey === undefined ? undefined : openTokens(live, choices);
  const tokens: Tokens = signed ?? fakeTokens(choices.tokens ?? new Map(), invalid);
  const server = openDpServer({
    settings,
    host: '127.0.0.1',
    certificate: fixedCertificate(chain),
    live,
    manager,
    types,
    onRegistration: choices.onRegistration,
    proxies,
    engine: { config, rules },
    tokens,
    observer: insights,
    health,
    arrivals: choices.arrivals ?? everyoneAtOnce,
    ...(choices.memory === undefined ? {} : { memory: choices.memory }),
    ...(choices.isConnected === undefined ? {} : { isConnected: choices.isConnected }),
    log: silent,
  });
  const put: RunningServer['put'] = async (...resources) => {
    const writes = resources.map((resource) => ({
      kind: 'put' as const,
      resource: { mesh: '', labels: {}, spec: {}, ...resource } as Resource,
    }));
    await store.write(writes);
  };
  await put(
    { type: 'Mesh', name: 'default' },
    { type: 'Dataplane', mesh: 'default', name: 'web', spec: dataplaneSpec('web') },
  );
  if (choices.signingKey !== undefined) {
    const data = choices.signingKey;
    await put({ type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1', spec: { data } });
  }
  await insights.start();
  await server.start();
  return {
    server,
    tokens,
    port: server.port,
    certificate: chain.certificate,
    proxies: () => proxies.keys(),
    configure: (proxyKey, resources) => configurations.set(proxyKey, resources),
    put,
    remove: async (type, mesh, name) => void (await store.write([{ kind: 'delete', key: { type, mesh, name } }])),
    get: (type, mesh, name) => live.get({ type, mesh, name }),
    async insight(name) {
      await insights.flush();
      return live.get({ type: 'DataplaneInsight', mesh: 'default', name })?.spec as ProxyInsight | undefined;
    },
    revoke(token, reason) {
      for (const notify of invalid.get(token) ?? []) notify(reason);
    },
    async stop() {
      await server.stop();
      await health.stop();
      await insights.stop();
      signed?.stop();
      live.stop();
      await store.close();
    },
  };
}

/** A Dataplane that serves one port. */
export function dataplaneSpec(service: string): object {
  return { networking: { address: '127.0.0.1', inbound: [{ port: 8080, tags: { 'kuma.io/service': service } }] } };
}

function fakeTokens(known: KnownTokens, invalid: Map<string, Set<(reason: string) => void>>): Tokens {
  const unused = (): never => {
    throw new Error('not used by this test');
  };
  const tokenOf = (claims: unknown): string => [...known].find(([, each]) => each === claims)?.[0] ?? '';
  return {
    requireIssuer: unused,
    issueDataplane: unused,
    issueZone: unused,
    issueUser: unused,
    verifyZone: unused,
    verifyUser: unused,
    async verifyDataplane(token) {
      const claims = known.get(token);
      if (claims === undefined) throw new MeshError('unauthenticated', 'the token is not known');
      return claims;
    },
    watch(_kind, claims, onInvalid) {
      const token = tokenOf(claims);
      const listeners = invalid.get(token) ?? new Set();
      invalid.set(token, listeners.add(onInvalid));
      return { stop: () => void listeners.delete(onInvalid) };
    },
  };
}

/** Asks again until the answer is true, for twenty seconds at most: what the other side of a connection does takes a moment. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not true within 20 seconds: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
