// A mesh in memory: documents applied the way a control plane would, without one. For the oracle, the scenarios and the stories.
import { createGraph, deepEqual, type Graph, type Source } from '@ursa/collections';
import { builtinPolicies } from '@ursa/policies';
import type { ProxyPolicy } from '@ursa/policy';
import {
  computeLabels,
  coreResourceTypes,
  createResourceTypes,
  type DataplaneSpec,
  type ExternalServiceSpec,
  isDnsName,
  type MeshSpec,
  parseResource,
  type Resource,
  type ResourceDraft,
  readyIdentityStatus,
  tagNames,
  tagWithZone,
} from '@ursa/resources';
import { initialPolicies } from '../../control-plane/src/store/initial-policies.ts';

import {
  type AdminIdentity,
  type ConnectedProxy,
  type Engine,
  type EngineInputs,
  type EngineSettings,
  type IssuedIdentity,
  type MtlsExit,
  openEngine,
  type ServiceVip,
  type TrustBundle,
} from '../src/index.ts';

const someTime = '2026-01-01T00:00:00Z';

/** Features that the conformance checker announces for a proxy. */
export const defaultFeatures = [
  'feature-tcp-accesslog-via-named-pipe',
  'feature-embedded-dns',
  'feature-transparent-proxy-in-dataplane-metadata',
  'feature-reuse-port',
];

/** A mesh in memory and an engine over it. */
export interface World {
  readonly graph: Graph;
  readonly engine: Engine;
  readonly inputs: EngineInputs;
  readonly sources: {
    readonly proxies: Source<ConnectedProxy>;
    readonly adminIdentities: Source<AdminIdentity>;
    readonly mtlsExits: Source<MtlsExit>;
    readonly hostAddresses: Source<string>;
  };
  resources(type: string): Source<Resource>;
  /** Parses and stores a document; a new Mesh brings its policies. Throws `MeshError`. */
  apply(document: unknown): void;
  /** Deletes a resource; `name` is `mesh/name`, `/name` for global types. */
  delete(type: string, key: string): void;
  /** Generates what the control plane would: MeshServices with addresses and names, virtual addresses, certificates. */
  settle(): void;
  connect(mesh: string, name: string, facts?: Partial<ConnectedProxy>): string;
  /** Gives a proxy another certificate. */
  renewIdentity(proxyKey: string): void;
  /** An engine of its own over the same data, in a graph of its own. */
  openFreshEngine(): Engine;
}

/** What the conformance checker says of a proxy. */
function connectedProxy(mesh: string, name: string, facts: Partial<ConnectedProxy>): ConnectedProxy {
  return {
    mesh,
    name,
    proxyType: 'dataplane',
    features: defaultFeatures,
    admin: { port: 9901, address: '127.0.0.1', socketPath: '/tmp/kuma-dp/kuma-envoy-admin.sock' },
    readinessPort: 9902,
    dnsPort: 15054,
    workdir: '/tmp/kuma-dp',
    appProbeProxyEnabled: false,
    ipv6Enabled: false,
    systemCaPath: '',
    metricsCertPath: '',
    metricsKeyPath: '',
    spireSocketPath: '',
    dynamicMetadata: {},
    transparentProxy: undefined,
    extensions: [],
    envoyVersion: '1.40.0',
    ...facts,
  };
}

/** A world without resources, of one zone. `settings`: those that differ from the defaults. */
export function createWorld(
  policies: readonly ProxyPolicy[] = builtinPolicies,
  zone = 'default',
  settings: Partial<EngineSettings> = {},
): World {
  const labelContext = { mode: 'zone', zone, environment: 'universal', federated: false } as const;
  const graph = createGraph();
  const resourceTypes = createResourceTypes([...coreResourceTypes, ...policies.map((policy) => policy.resourceType)]);
  const types = new Map<string, Source<Resource>>();
  const resources = (type: string): Source<Resource> => {
    const source = types.get(type) ?? graph.source<Resource>(type);
    types.set(type, source);
    return source;
  };
  const proxies = graph.source<ConnectedProxy>('proxies');
  const identities = graph.source<IssuedIdentity>('identities');
  const trust = graph.source<TrustBundle>('trust');
  const mtlsExits = graph.source<MtlsExit>('exits from mTLS');
  const hostAddresses = graph.source<string>('addresses of host names');
  const adminIdentities = graph.source<AdminIdentity>('admin identities');
  const serviceVips = graph.source<ServiceVip>('service vips');
  const inputs: EngineInputs = {
    resources,
    proxies,
    identities,
    trust,
    mtlsExits,
    hostAddresses,
    adminIdentities,
    serviceVips,
    settings: {
      zone,
      environment: 'universal',
      dnsDomain: 'mesh',
      serviceVipPort: 80,
      autoReachableServices: false,
      ...settings,
    },
  };
  const engine = openEngine({ graph, inputs, policies });
  let lastVip = 0;
  let renewals = 0;

  const copyOf = <Value>(target: Graph, source: Source<Value>): Source<Value> => {
    const copy = target.source<Value>(source.name);
    for (const key of source.keys()) {
      const value = source.get(key);
      if (value !== undefined) copy.set(key, value);
    }
    return copy;
  };

  /** What the control plane notes once a proxy has taken its certificate. */
  const noteCertificate = (mesh: string, name: string, backend: string): void => {
    const key = { type: 'DataplaneInsight', mesh, name };
    const spec = { subscriptions: [], mTLS: { issuedBackend: backend } };
    const resource = { ...key, labels: {}, creationTime: someTime, modificationTime: someTime, version: 1, spec };
    resources(key.type).set(`${mesh}/${name}`, resource);
  };

  const store = (draft: ResourceDraft): void => {
    const type = resourceTypes.byName(draft.type);
    if (type === undefined) return;
    const tagged = draft.type === 'Dataplane' ? tagWithZone(draft, zone) : draft;
    const labels = computeLabels(type, tagged, labelContext);
    const key = `${draft.mesh}/${draft.name}`;
    const before = resources(draft.type).get(key);
    const presumed = draft.type === 'MeshIdentity' ? readyIdentityStatus : undefined;
    const status = tagged.status ?? before?.status ?? presumed;
    const same =
      before !== undefined && deepEqual([before.spec, before.labels, before.status], [tagged.spec, labels, status]);
    if (same) return;
    const version = (before?.version ?? 0) + 1;
    const resource = { ...tagged, labels, creationTime: someTime, modificationTime: someTime, version, status };
    resources(draft.type).set(key, resource);
  };

  const generateMeshServices = (mesh: Resource): void => {
    if (((mesh.spec as MeshSpec).meshServices?.mode ?? 'Disabled') === 'Disabled') return;
    const ports = new Map<string, Map<number, object>>();
    for (const key of resources('Dataplane').keys()) {
      const dataplane = resources('Dataplane').get(key);
      if (dataplane?.mesh !== mesh.name) continue;
      for (const inbound of (dataplane.spec as DataplaneSpec).networking?.inbound ?? []) {
        const service = inbound.tags?.[tagNames.service];
        if (service === undefined || inbound.port === undefined) continue;
        const known = ports.get(service) ?? new Map<number, object>();
        const appProtocol = inbound.protocol ?? inbound.tags?.[tagNames.protocol] ?? 'tcp';
        const { port } = inbound;
        const name = inbound.name === undefined ? {} : { name: inbound.name };
        known.set(port, { port, targetPort: port, appProtocol, ...name });
        ports.set(service, known);
      }
    }
    for (const [name, known] of ports) {
      if (resources('MeshService').get(`${mesh.name}/${name}`) !== undefined) continue;
      const selector = { dataplaneTags: { [tagNames.service]: name } };
      const spec = {
        selector,
        ports: [...known.values()],
        identities: [{ type: 'ServiceTag', value: name }],
        state: 'Available',
      };
      const labels = { 'kuma.io/display-name': name, 'kuma.io/managed-by': 'meshservice-generator' };
      store({ type: 'MeshService', mesh: mesh.name, name, labels, spec });
    }
  };

  const addressMeshServices = (): void => {
    for (const [type, zoneName] of [
      ['MeshService', 'svc'],
      ['MeshMultiZoneService', 'mzsvc'],
    ] as const) {
      for (const key of resources(type).keys()) {
        const resource = resources(type).get(key);
        if (resource === undefined || (resource.status as { vips?: unknown } | undefined)?.vips !== undefined) continue;
        const hostname = `${resource.labels['kuma.io/display-name'] ?? resource.name}.${zoneName}.mesh.local`;
        const status = { vips: [{ ip: `241.0.0.${lastVip++}` }], addresses: [{ hostname }] };
        resources(type).set(key, { ...resource, status });
      }
    }
  };

  const addressExternalServices = (): void => {
    for (const key of resources('MeshExternalService').keys()) {
      const resource = resources('MeshExternalService').get(key);
      if (resource === undefined || (resource.status as { vip?: { ip?: string } } | undefined)?.vip?.ip !== undefined)
        continue;
      const status = {
        vip: { ip: `242.0.0.${lastVip++}` },
        addresses: [{ hostname: `${resource.name}.extsvc.mesh.local` }],
      };
      resources('MeshExternalService').set(key, { ...resource, status });
    }
    for (const key of resources('ExternalService').keys()) {
      const resource = resources('ExternalService').get(key);
      const { tags, networking } = (resource?.spec ?? {}) as ExternalServiceSpec;
      if (resource === undefined) continue;
      const { mesh } = resource;
      const service = tags?.[tagNames.service] ?? '';
      const host = (networking?.address ?? '').replace(/:\d+$/, '');
      const give = (name: string, vip: Omit<ServiceVip, 'mesh' | 'address'>) => {
        if (serviceVips.get(`${mesh}/${name}`) === undefined)
          serviceVips.set(`${mesh}/${name}`, { mesh, address: `240.0.0.${lastVip++}`, ...vip });
      };
      give(service, { service });
      if (isDnsName(host)) give(`~${host}`, { service: '', host });
    }
  };

  const addressServices = (): void => {
    for (const key of resources('Dataplane').keys()) {
      const dataplane = resources('Dataplane').get(key);
      if (dataplane === undefined) continue;
      for (const inbound of (dataplane.spec as DataplaneSpec).networking?.inbound ?? []) {
        const service = inbound.tags?.[tagNames.service];
        const vipKey = `${dataplane.mesh}/${service}`;
        if (service === undefined || serviceVips.get(vipKey) !== undefined) continue;
        serviceVips.set(vipKey, { mesh: dataplane.mesh, service, address: `240.0.0.${lastVip++}` });
      }
    }
  };

  return {
    graph,
    engine,
    inputs,
    sources: { proxies, adminIdentities, mtlsExits, hostAddresses },
    resources,
    apply(document) {
      const draft = parseResource(resourceTypes, document, { labels: labelContext });
      const isNewMesh = draft.type === 'Mesh' && resources('Mesh').get(`/${draft.name}`) === undefined;
      graph.batch(() => {
        store(draft);
        if (!isNewMesh) return;
        const skipped = (draft.spec as MeshSpec).skipCreatingInitialPolicies ?? [];
        for (const policy of initialPolicies(policies, draft.name, { skipped, routing: false })) store(policy);
      });
    },
    delete(type, key) {
      resources(type).delete(key);
    },
    settle() {
      graph.batch(() => {
        for (const key of resources('Mesh').keys()) {
          const mesh = resources('Mesh').get(key);
          if (mesh === undefined) continue;
          generateMeshServices(mesh);
          trust.set(mesh.name, {
            certificates: `-----BEGIN CERTIFICATE-----\n${mesh.name}\n-----END CERTIFICATE-----\n`,
            backends: ['ca-1'],
          });
        }
        addressMeshServices();
        addressServices();
        addressExternalServices();
      });
    },
    renewIdentity(proxyKey) {
      const identity = identities.get(proxyKey);
      if (identity !== undefined)
        identities.set(proxyKey, { ...identity, privateKey: `${identity.privateKey}${renewals++}` });
    },
    openFreshEngine() {
      const other = createGraph();
      const copies = new Map([...types].map(([type, source]) => [type, copyOf(other, source)]));
      const copiedResources = (type: string): Source<Resource> => {
        const copy = copies.get(type) ?? other.source<Resource>(type);
        copies.set(type, copy);
        return copy;
      };
      const copiedInputs: EngineInputs = {
        resources: copiedResources,
        proxies: copyOf(other, proxies),
        identities: copyOf(other, identities),
        trust: copyOf(other, trust),
        mtlsExits: copyOf(other, mtlsExits),
        hostAddresses: copyOf(other, hostAddresses),
        adminIdentities: copyOf(other, adminIdentities),
        serviceVips: copyOf(other, serviceVips),
        settings: inputs.settings,
      };
      return openEngine({ graph: other, inputs: copiedInputs, policies });
    },
    connect(mesh, name, facts = {}) {
      const key = `${mesh}/${name}`;
      const certificateChain = `-----BEGIN CERTIFICATE-----\n${key}\n-----END CERTIFICATE-----\n`;
      const privateKey = `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`;
      const backend = engine.identityRequest.get(key)?.backend ?? 'ca-1';
      graph.batch(() => {
        proxies.set(key, connectedProxy(mesh, name, facts));
        // An egress has an identity in each mesh.
        const ofMeshes = resources('Mesh')
          .keys()
          .map((of) => `${of.slice(1)}/${key}`);
        for (const each of facts.proxyType === 'egress' ? ofMeshes : [key])
          identities.set(each, { certificateChain, privateKey, backend, notAfter: '2036-01-01T00:00:00Z' });
        adminIdentities.set(key, { certificateChain, privateKey, clientCa: certificateChain });
        noteCertificate(mesh, name, backend);
      });
      return key;
    },
  };
}
