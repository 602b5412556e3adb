// Random meshes and random changes to them, for the guard of the whole design: incremental = from scratch.
import assert from 'node:assert/strict';
import { builtinPolicies } from '@ursa/policies';
import fc from 'fast-check';
import {
  type EngineSettings,
  type PolicyInsight,
  type ProxyConfig,
  policyContent,
  policyInsightKey,
} from '../src/index.ts';
import { identityDocument, identityKey } from './random-identities.ts';
import { egressNames, outsideDocument, outsideKey } from './random-outside.ts';
import { createWorld, type World } from './world.ts';

const meshes = ['one', 'two'] as const;
const services = ['web', 'api', 'db'] as const;
const names = ['p1', 'p2', 'p3', 'p4'] as const;

const mesh = fc.constantFrom(...meshes);
const service = fc.constantFrom(...services);
const name = fc.constantFrom(...names);
const protocol = fc.constantFrom('http', 'tcp', 'grpc', 'kafka');

const meshDocument = fc
  .record({
    type: fc.constant('Mesh'),
    name: mesh,
    meshServices: fc.constantFrom({ mode: 'Disabled' }, { mode: 'Exclusive' }, { mode: 'Everywhere' }),
    mtls: fc.constantFrom(
      {},
      { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] },
      { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin', mode: 'PERMISSIVE' }] },
    ),
    networking: fc.constantFrom({}, { outbound: { passthrough: false } }),
    routing: fc.constantFrom({}, { zoneEgress: true }, { defaultForbidMeshExternalServiceAccess: true }),
  })
  // It is refused without mTLS.
  .map(({ routing, ...document }) => ({ ...document, routing: 'enabledBackend' in document.mtls ? routing : {} }));

const inbound = fc
  .record({
    service,
    protocol,
    version: fc.constantFrom('v1', 'v2'),
    port: fc.constantFrom(80, 81),
    state: fc.constantFrom('Ready', 'NotReady'),
  })
  .map(({ port, state, ...tags }) => ({
    port,
    state,
    tags: { 'kuma.io/service': tags.service, 'kuma.io/protocol': tags.protocol, version: tags.version },
  }));

const dataplane = fc
  .record({
    mesh,
    name,
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1'),
    inbound: fc.array(inbound, { minLength: 1, maxLength: 2 }),
    calls: fc.uniqueArray(service),
    transparent: fc.boolean(),
    app: service,
  })
  .map(({ address, inbound: given, calls, transparent, app, ...key }) => ({
    type: 'Dataplane',
    ...key,
    labels: { app },
    networking: {
      address,
      inbound: given.filter(({ port }, position) => given.findIndex((other) => other.port === port) === position),
      outbound: calls.map((called, position) => ({ port: 10001 + position, tags: { 'kuma.io/service': called } })),
      ...(transparent ? { transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15001 } } : {}),
    },
  }));

const topLevel = fc.oneof(
  fc.constant({ kind: 'Mesh' }),
  name.map((target) => ({ kind: 'Dataplane', name: target })),
  service.map((app) => ({ kind: 'Dataplane', labels: { app } })),
  service.map((target) => ({ kind: 'MeshSubset', tags: { 'kuma.io/service': target } })),
);

const timeoutPolicy = fc
  .record({
    mesh,
    name,
    targetRef: topLevel,
    to: fc.oneof(
      fc.constant({ kind: 'Mesh' }),
      service.map((target) => ({ kind: 'MeshService', name: target })),
    ),
    seconds: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ to, targetRef, seconds, ...key }) => ({
    type: 'MeshTimeout',
    ...key,
    spec: {
      targetRef,
      to: [{ targetRef: to, default: { idleTimeout: `${seconds}s`, http: { requestTimeout: `${seconds}s` } } }],
    },
  }));

const permission = fc
  .record({ mesh, name, targetRef: topLevel, from: service, action: fc.constantFrom('Allow', 'Deny') })
  .map(({ targetRef, from, action, ...key }) => ({
    type: 'MeshTrafficPermission',
    ...key,
    spec: {
      targetRef,
      from: [{ targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': from } }, default: { action } }],
    },
  }));

const olderPermission = fc
  .record({ mesh, name, source: fc.constantFrom('*', 'web', 'db'), destination: fc.constantFrom('*', 'ext', 'web') })
  .map(({ source, destination, ...key }) => ({
    type: 'TrafficPermission',
    ...key,
    sources: [{ match: { 'kuma.io/service': source } }],
    destinations: [{ match: { 'kuma.io/service': destination } }],
  }));

const olderRoute = fc
  .record({
    mesh,
    name,
    source: fc.constantFrom({}, { version: 'v1' }, { version: '*' }),
    caller: fc.constantFrom('*', 'web', 'api'),
    destination: fc.constantFrom('*', ...services),
    first: fc.constantFrom('*', 'ext', ...services),
    second: service,
    weight: fc.constantFrom(0, 3),
    loadBalancer: fc.constantFrom({}, { loadBalancer: { random: {} } }),
    http: fc.boolean(),
  })
  .map(({ source, caller, destination, first, second, weight, loadBalancer, http, ...key }) => {
    const split = [
      { weight, destination: { 'kuma.io/service': second, version: 'v1' } },
      { weight: 1, destination: { 'kuma.io/service': first } },
    ];
    const rules = [{ match: { path: { prefix: '/v2' } }, destination: { 'kuma.io/service': second } }];
    return {
      type: 'TrafficRoute',
      ...key,
      sources: [{ match: { 'kuma.io/service': caller, ...source } }],
      destinations: [{ match: { 'kuma.io/service': destination } }],
      conf: { split, ...loadBalancer, ...(http ? { http: rules } : {}) },
    };
  });

const httpRoute = fc
  .record({
    mesh,
    name,
    targetRef: topLevel,
    to: service,
    first: service,
    second: service,
    weight: fc.constantFrom(0, 1, 9),
  })
  .map(({ targetRef, to, first, second, weight, ...key }) => ({
    type: 'MeshHTTPRoute',
    ...key,
    spec: {
      targetRef,
      to: [
        {
          targetRef: { kind: 'MeshService', name: to },
          rules: [
            {
              matches: [{ path: { type: 'PathPrefix', value: '/v2' } }],
              default: {
                backendRefs: [
                  { kind: 'MeshService', name: first, port: 80, weight },
                  { kind: 'MeshService', name: second, port: 81, weight: 1 },
                ],
              },
            },
          ],
        },
      ],
    },
  }));

const strategy = fc
  .record({
    mesh,
    name,
    targetRef: topLevel,
    to: service,
    type: fc.constantFrom('RingHash', 'Random'),
    key: fc.constantFrom('version', 'kuma.io/protocol'),
  })
  .map(({ targetRef, to, type, key, ...of }) => ({
    type: 'MeshLoadBalancingStrategy',
    ...of,
    spec: {
      targetRef,
      to: [
        {
          targetRef: { kind: 'MeshService', name: to },
          default: { loadBalancer: { type }, localityAwareness: { localZone: { affinityTags: [{ key }] } } },
        },
      ],
    },
  }));

const tlsPolicy = fc
  .record({
    mesh,
    name,
    said: fc.oneof(
      fc.record({
        targetRef: topLevel,
        conf: fc.record({ mode: fc.constantFrom('Strict', 'Permissive') }),
      }),
      fc.record({
        targetRef: fc.constant({ kind: 'Mesh' }),
        conf: fc.record({ tlsVersion: fc.record({ min: fc.constantFrom('TLS12', 'TLS13') }) }),
      }),
    ),
  })
  .map(({ said, ...key }) => ({
    type: 'MeshTLS',
    ...key,
    spec: { targetRef: said.targetRef, rules: [{ default: said.conf }] },
  }));

/** Types of policies that come and go. */
const policyTypes = [
  'MeshTimeout',
  'MeshTrafficPermission',
  'TrafficPermission',
  'TrafficRoute',
  'MeshHTTPRoute',
  'MeshLoadBalancingStrategy',
  'MeshTLS',
] as const;

/** One change of a mesh. */
export type Change =
  | { readonly kind: 'apply'; readonly document: object }
  | { readonly kind: 'delete'; readonly type: string; readonly key: string }
  /** Envoy of a proxy refuses all listeners, because of a MeshTimeout. */
  | { readonly kind: 'refuse'; readonly mesh: string; readonly name: string; readonly policy: string }
  | {
      readonly kind: 'connect' | 'disconnect';
      readonly mesh: string;
      readonly name: string;
      readonly features: readonly string[];
      readonly egress?: boolean;
    };

const features = fc.constantFrom<readonly string[]>(
  ['feature-embedded-dns', 'feature-reuse-port'],
  [],
  ['feature-unified-resource-naming', 'feature-embedded-dns'],
);

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 2, arbitrary: meshDocument.map((document) => ({ kind: 'apply' as const, document })) },
  { weight: 6, arbitrary: dataplane.map((document) => ({ kind: 'apply' as const, document })) },
  {
    weight: 5,
    arbitrary: fc
      .oneof(timeoutPolicy, permission, olderPermission, olderRoute, httpRoute, strategy, tlsPolicy)
      .map((document) => ({ kind: 'apply' as const, document })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        type: fc.constantFrom('Dataplane', 'MeshService', ...policyTypes),
        mesh,
        name,
      })
      .map(({ type, ...key }) => ({
        kind: 'delete' as const,
        type,
        key: `${key.mesh}/${type === 'MeshService' ? 'web' : key.name}`,
      })),
  },
  { weight: 5, arbitrary: outsideDocument.map((document) => ({ kind: 'apply' as const, document })) },
  { weight: 3, arbitrary: identityDocument.map((document) => ({ kind: 'apply' as const, document })) },
  { weight: 1, arbitrary: identityKey.map((key) => ({ kind: 'delete' as const, ...key })) },
  { weight: 2, arbitrary: outsideKey.map((key) => ({ kind: 'delete' as const, ...key })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ name: fc.constantFrom(...egressNames), features })
      .map((proxy) => ({ kind: 'connect' as const, mesh: '', egress: true, ...proxy })),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('refuse' as const), mesh, name, policy: name }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('connect' as const, 'disconnect' as const), mesh, name, features }),
  },
);

function refuse(world: World, step: Extract<Change, { kind: 'refuse' }>): void {
  const policy = world.resources('MeshTimeout').get(`${step.mesh}/${step.policy}`);
  if (policy === undefined) return;
  const proxy = `${step.mesh}/${step.name}`;
  const listeners = [...(world.engine.config.get(proxy)?.resources.listener.values() ?? [])];
  const resources = listeners.map(({ type, name, version }) => ({ type, name, version }));
  const spec: PolicyInsight = {
    policy: { type: policy.type, name: policy.name },
    content: policyContent(policy),
    heldBack: true,
    everywhere: false,
    refusals: [{ proxy, envoyVersion: '1.40.0', resources, message: 'no', since: '' }],
  };
  const key = policyInsightKey(policy);
  const resource = { ...key, labels: {}, creationTime: '', modificationTime: '', version: 1, spec };
  world.resources(key.type).set(`${key.mesh}/${key.name}`, resource);
}

function perform(world: World, step: Change): void {
  if (step.kind === 'apply') world.apply(step.document);
  else if (step.kind === 'delete') world.delete(step.type, step.key);
  else if (step.kind === 'refuse') refuse(world, step);
  else if (step.kind === 'connect') {
    const proxyType = step.egress === true ? 'egress' : 'dataplane';
    world.connect(step.mesh, step.name, { features: step.features, proxyType });
  } else world.sources.proxies.delete(`${step.mesh}/${step.name}`);
}

/** A configuration as data: names and versions by type, and the warnings. */
function shapeOf(config: ProxyConfig | undefined): unknown {
  if (config === undefined) return undefined;
  const resources = Object.entries(config.resources).map(([type, map]) => [
    type,
    Object.fromEntries([...map].map(([name, resource]) => [name, resource.version]).sort()),
  ]);
  return { resources: Object.fromEntries(resources), warnings: config.warnings };
}

/** Plays random sequences of batches; after each, every watched configuration must equal the one of a fresh engine over the same data. */
export function checkIncremental(runs: number, seed: number, settings: Partial<EngineSettings> = {}): void {
  const property = fc.property(
    fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
    (batches) => {
      const world = createWorld(builtinPolicies, 'default', settings);
      const watched = new Map<string, () => ProxyConfig | undefined>();
      const egresses = egressNames.map((name) => `/${name}`);
      for (const key of [...meshes.flatMap((mesh) => names.map((name) => `${mesh}/${name}`)), ...egresses]) {
        // What the watch was given last: a configuration that changes without being handed over is as wrong as a wrong one.
        let given = world.engine.config.get(key);
        world.graph.watch(world.engine.config, [key], (config) => {
          given = config;
        });
        watched.set(key, () => given);
      }
      for (const batch of batches) {
        world.graph.batch(() => {
          for (const step of batch) perform(world, step);
          world.settle();
        });
        const fresh = world.openFreshEngine();
        for (const [key, value] of watched) assert.deepEqual(shapeOf(value()), shapeOf(fresh.config.get(key)), key);
      }
    },
  );
  fc.assert(property, { numRuns: runs, seed });
}
