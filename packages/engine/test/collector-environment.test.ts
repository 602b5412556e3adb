// Collectors that the environment of a proxy's kuma-dp names: who sends where, who is told what, and that proxies without share all they shared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import type { ProxyPolicy, Signal } from '@ursa/policy';
import type { Resource } from '@ursa/resources';
import { resolveCollector } from '../src/collector-environment.ts';
import type { CollectorEnvironment, CollectorVariables } from '../src/index.ts';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const said = (variables: Partial<CollectorVariables>): CollectorVariables => ({ kept: [], wrong: [], ...variables });
const at = (host: string, rest: object = {}) => said({ endpoint: { host, port: 4317, path: '', ...rest } });
const environmentOf = (layers: Omit<CollectorEnvironment, 'systemCaPath'>): CollectorEnvironment => ({
  systemCaPath: '/etc/ca.pem',
  ...layers,
});

function resolved(spec: object, layers: Omit<CollectorEnvironment, 'systemCaPath'>, signal: Signal = 'traces') {
  const backend = { type: 'MeshOpenTelemetryBackend', mesh, name: 'main', spec } as unknown as Resource;
  const { collector, lacks } = resolveCollector(backend, signal, environmentOf(layers));
  return collector === undefined
    ? lacks
    : `${collector.protocol} ${collector.tls === undefined ? '' : `${collector.tls.trusted} `}${collector.host}:${collector.port}${collector.path}`;
}

const explicit = { endpoint: { address: 'explicit', port: 4000 } };
const both = { shared: at('shared'), traces: at('own') };

test('the environment comes before the resource, and variables of a signal before those of all', () => {
  assert.equal(resolved(explicit, {}), 'grpc explicit:4000');
  assert.equal(resolved(explicit, both), 'grpc own:4317');
  assert.equal(resolved(explicit, both, 'logs'), 'grpc shared:4317');
  assert.equal(resolved({ ...explicit, env: { allowSignalOverrides: false } }, both), 'grpc shared:4317');
  assert.equal(resolved({ ...explicit, env: { mode: 'Disabled' } }, both), 'grpc explicit:4000');
});

test('with ExplicitFirst the environment fills what the resource leaves out', () => {
  const env = { precedence: 'ExplicitFirst' };
  assert.equal(resolved({ ...explicit, env }, both), 'grpc explicit:4000');
  assert.equal(resolved({ env }, both), 'grpc own:4317');
  assert.equal(resolved({ endpoint: { port: 4000 }, env }, {}), 'grpc 127.0.0.1:4000');
  const http = { shared: said({ protocol: 'http' }) };
  assert.equal(resolved({ ...explicit, env }, http), 'http explicit:4000');
  assert.equal(resolved({ ...explicit, protocol: 'grpc', env }, http), 'grpc explicit:4000');
  assert.equal(resolved({ ...explicit, protocol: 'grpc' }, http), 'http explicit:4000');
});

test('a URL names its port by its scheme, a host without scheme by the protocol', () => {
  const endpoint = { host: 'c', path: '/otlp' };
  const layer = (more: object, protocol: 'grpc' | 'http' = 'http') => ({
    shared: said({ protocol, endpoint: { ...endpoint, ...more } }),
  });
  assert.equal(resolved({}, layer({})), 'http c:4318/otlp');
  assert.equal(resolved({}, layer({}, 'grpc')), 'grpc c:4317');
  assert.equal(resolved({}, layer({ tls: false })), 'http c:80/otlp');
  assert.equal(resolved({}, layer({ tls: true })), 'http /etc/ca.pem c:443/otlp');
});

test('TLS trusts the authorities that the environment names, or those of the host', () => {
  const secured = { endpoint: { host: 'c', port: 4317, path: '', tls: true } };
  assert.equal(resolved({}, { shared: said({ ...secured, certificate: '/own/ca.pem' }) }), 'grpc /own/ca.pem c:4317');
  assert.equal(resolved({}, { shared: at('c'), traces: said({ insecure: false }) }), 'grpc /etc/ca.pem c:4317');
  const backend = { mesh, name: 'main', spec: {} } as unknown as Resource;
  assert.deepEqual(resolveCollector(backend, 'traces', { systemCaPath: '', shared: said(secured) }), {
    lacks: 'authorities',
  });
});

test('Required needs variables that can be used', () => {
  const required = { ...explicit, env: { mode: 'Required' } };
  assert.equal(resolved(required, {}), 'variables');
  assert.equal(resolved(required, { shared: said({ kept: ['headers'] }) }), 'variables');
  assert.equal(resolved(required, { shared: said({ ...at('c'), wrong: ['timeout'] }) }), 'variables');
  assert.equal(resolved(required, { traces: at('own') }), 'grpc own:4317');
  assert.equal(resolved(required, { traces: at('own') }, 'logs'), 'variables');
  assert.equal(
    resolved({ env: { mode: 'Optional' } }, { shared: said({ ...at('c'), wrong: ['timeout'] }) }),
    'grpc c:4317',
  );
});

const refer = (name: string) => ({
  backends: [{ type: 'OpenTelemetry', openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', name } } }],
});
const policies = [
  { type: 'MeshTrace', mesh, name: 'traces', spec: { targetRef: { kind: 'Mesh' }, default: refer('main') } },
  { type: 'MeshMetric', mesh, name: 'metrics', spec: { targetRef: { kind: 'Mesh' }, default: refer('main') } },
  {
    type: 'MeshAccessLog',
    mesh,
    name: 'logs',
    spec: { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind: 'Mesh' }, default: refer('main') }] },
  },
];

/** A mesh whose policies send all signals to `main`; proxies have these environments. */
function start(
  spec: object,
  environments: Readonly<Record<string, CollectorEnvironment>>,
  {
    more = [],
    without,
    builtin = builtinPolicies,
  }: { readonly more?: readonly object[]; readonly without?: string; readonly builtin?: readonly ProxyPolicy[] } = {},
) {
  const inForce = policies.filter(({ type }) => type !== without);
  const world = createWorld(builtin);
  const backend = { type: 'MeshOpenTelemetryBackend', mesh, name: 'main', spec };
  for (const document of [...smallMesh(), backend, ...inForce, ...more]) world.apply(document);
  world.settle();
  const keyOf = (name: string) => {
    const openTelemetry = environments[name];
    const key = world.connect(mesh, name, {
      ...{ features: [], workdir: '/run' },
      ...(openTelemetry === undefined ? {} : { openTelemetry }),
    });
    world.graph.watch(world.engine.config, [key], () => {});
    return key;
  };
  const resourcesOf = (key: string) => world.engine.config.get(key)?.resources;
  return {
    world,
    keyOf,
    clusters: (key: string) =>
      [...(resourcesOf(key)?.cluster ?? [])].flatMap(([name, resource]) => {
        const text = JSON.stringify(resourceJson(resource));
        const [, host, port] = /"address":"([^"]*)","portValue":(\d+)/.exec(text) ?? [];
        return /otel|opentelemetry|meshtrace/.test(name) ? [`${name} ${host}:${port}`] : [];
      }),
    warnings: (key: string) => world.engine.config.get(key)?.warnings ?? [],
  };
}

test('each proxy sends where its own environment says, by signal, and the others where the resource says', () => {
  const { keyOf, clusters } = start(explicit, {
    'web-1': environmentOf({ shared: at('host-1'), traces: at('traces-1') }),
    'web-2': environmentOf({ shared: at('host-2') }),
  });
  const [first, second, third] = ['web-1', 'web-2', 'api-1'].map(keyOf).map((key) => clusters(key).sort());
  const names = (list: readonly string[] | undefined) => list?.map((text) => text.split(' ')[1]).sort();
  assert.deepEqual(names(first), ['host-1:4317', 'host-1:4317', 'traces-1:4317']);
  assert.deepEqual(names(second), ['host-2:4317', 'host-2:4317', 'host-2:4317']);
  assert.deepEqual(names(third), ['explicit:4000', 'explicit:4000', 'explicit:4000']);
});

test('TLS, paths and timeouts of the environment stand in clusters and listeners', () => {
  const shared = said({
    ...{ protocol: 'http', timeout: 2500, client: { certificate: '/client.pem', key: '/client.key' } },
    endpoint: { tls: true, host: 'collector.example', path: '/otlp' },
  });
  const { world, keyOf } = start(explicit, { 'web-1': environmentOf({ shared }) });
  const { listener, cluster } = world.engine.config.get(keyOf('web-1'))?.resources ?? assert.fail();
  const texts = (resources: typeof cluster) =>
    [...resources.values()].map((each) => JSON.stringify(resourceJson(each)));
  const secured = texts(cluster).filter((text) => text.includes('collector.example'));
  assert.equal(secured.length, 3);
  for (const text of secured) {
    for (const part of ['"sni":"collector.example"', '{"filename":"/etc/ca.pem"}', '{"filename":"/client.key"}']) {
      assert.ok(text.includes(part), text);
    }
  }
  const listeners = texts(listener).join();
  for (const signal of ['logs', 'traces']) {
    assert.match(
      listeners,
      new RegExp(`"uri":"https://collector.example:443/otlp/v1/${signal}".{0,200}"timeout":"2.500s"`),
    );
  }
});

/** How often traffic of two proxies is shown to MeshTrace: what they share is shown once. */
function shown(spec: object, environments: readonly (CollectorEnvironment | undefined)[]): number {
  let count = 0;
  const counting = builtinPolicies.map((policy): ProxyPolicy => {
    if (policy.name !== 'MeshTrace') return policy;
    const traffic: typeof policy.hooks.traffic = (place, conf) => {
      count += 1;
      policy.hooks.traffic?.(place, conf);
    };
    return { ...policy, hooks: { ...policy.hooks, traffic } };
  });
  const [first, second] = environments;
  const given = {
    ...(first === undefined ? {} : { 'web-1': first }),
    ...(second === undefined ? {} : { 'web-2': second }),
  };
  // Logs of calls name the caller: listeners with them are those of one proxy alone anyway.
  const { keyOf } = start(spec, given, { without: 'MeshAccessLog', builtin: counting });
  for (const name of ['web-1', 'web-2']) keyOf(name);
  return count;
}

test('proxies share what is made of their traffic unless environments that are asked for make it differ', () => {
  const [one, other] = [environmentOf({ shared: at('one') }), environmentOf({ shared: at('other') })];
  const shared = shown(explicit, [undefined, undefined]);
  assert.ok(shared > 0);
  assert.equal(shown(explicit, [one, one]), shared, 'equal environments');
  assert.equal(shown({ ...explicit, env: { mode: 'Disabled' } }, [one, other]), shared, 'nobody asks');
  assert.equal(shown({ ...explicit, env: { precedence: 'ExplicitFirst' } }, [one, other]), shared, 'no effect');
  const alike = environmentOf({ shared: said({ kept: ['headers'] }), traces: at('one') });
  assert.equal(shown(explicit, [one, alike]), shared, 'the same traces');
  const metrics = ['one', 'other'].map((host) => environmentOf({ metrics: at(host) }));
  assert.equal(shown(explicit, metrics), shared, 'metrics are no traffic');
  // Their inbounds have tags of their own anyway.
  assert.equal(shown(explicit, [one, other]), shared + 1);
});

test('a proxy without the variables that a collector insists on sends nothing, and says so; so do collector and policies', () => {
  const required = { ...explicit, env: { mode: 'Required' } };
  const { world, keyOf, clusters, warnings } = start(required, { 'web-1': environmentOf({ shared: at('host') }) });
  const [with_, without] = [keyOf('web-1'), keyOf('web-2')];
  assert.equal(clusters(with_).length, 3);
  assert.deepEqual(warnings(with_), []);
  assert.deepEqual(clusters(without), []);
  const messages = warnings(without);
  assert.deepEqual(
    new Set(messages.map(({ resource }) => resource)),
    new Set([`MeshOpenTelemetryBackend/${mesh}/main`]),
  );
  assert.equal(messages.length, 3);
  assert.match(
    messages.map(({ message }) => message).join('\n'),
    /no traces are sent .*Required.*OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT/,
  );
  for (const [type, name] of [
    ['MeshOpenTelemetryBackend', 'main'],
    ...policies.map((policy) => [policy.type, policy.name]),
  ]) {
    assert.deepEqual(world.engine.unsentTo.get(type ?? '', mesh, name ?? ''), ['web-2'], type);
  }
  world.apply({ type: 'MeshOpenTelemetryBackend', mesh, name: 'main', spec: explicit });
  assert.equal(clusters(without).length, 3);
  assert.deepEqual(warnings(without), []);
  assert.deepEqual(world.engine.unsentTo.get('MeshOpenTelemetryBackend', mesh, 'main'), []);
});

test('what stays on its host and what cannot be used is named, without what it says', () => {
  const { keyOf, warnings } = start(explicit, {
    'web-1': environmentOf({ shared: { ...at('host'), kept: ['headers'] }, traces: said({ wrong: ['endpoint'] }) }),
  });
  const messages = warnings(keyOf('web-1')).map(({ message }) => message);
  const about = (signal: string) => messages.filter((message) => message.includes(signal)).join('\n');
  assert.match(about('traces'), /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT of kuma-dp cannot be used/);
  assert.match(about('logs'), /OTEL_EXPORTER_OTLP_HEADERS of kuma-dp has no effect on the logs/);
  assert.doesNotMatch(about('logs'), /cannot be used/);
});

test('variables that two collectors of one signal could mean are used for neither', () => {
  const other = {
    type: 'MeshOpenTelemetryBackend',
    mesh,
    name: 'other',
    spec: { endpoint: { address: 'second', port: 4000 } },
  };
  const rules = { type: 'MeshAccessLog', mesh, name: 'received', spec: { rules: [{ default: refer('other') }] } };
  const { world, keyOf, clusters, warnings } = start(
    explicit,
    { 'web-1': environmentOf({ shared: at('host') }) },
    { more: [other, rules] },
  );
  const key = keyOf('web-1');
  const hosts = () =>
    clusters(key)
      .map((text) => text.split(' ')[1])
      .sort();
  assert.deepEqual(hosts(), ['explicit:4000', 'host:4317', 'host:4317', 'second:4000']);
  assert.match(
    warnings(key)
      .map(({ message }) => message)
      .join('\n'),
    /not used for the logs of .*main.*meant for .*other/,
  );
  world.apply({ ...other, spec: { ...other.spec, env: { mode: 'Disabled' } } });
  assert.deepEqual(hosts(), ['host:4317', 'host:4317', 'host:4317', 'second:4000']);
  assert.deepEqual(warnings(key), []);
});
