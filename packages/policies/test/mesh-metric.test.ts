// MeshMetric shown to a proxy: where metrics are served, what kuma-dp is told, and what is said when a policy asks for what cannot be had.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collector, ProxyFacts, ProxyPlace } from '@ursa/policy';
import { meshMetric } from '../src/mesh-metric/mesh-metric.ts';
import { proxyPlace } from './drafts.ts';

const prometheus = (tls?: string, more: object = {}) => ({
  backends: [{ type: 'Prometheus', prometheus: { ...(tls ? { tls: { mode: tls } } : {}), ...more } }],
});
const referring = {
  backends: [
    { type: 'OpenTelemetry', openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'main' } } },
  ],
};
const main: Collector = { name: 'main', host: 'collector.example', port: 4318, protocol: 'http', path: '/otlp' };

function additions(conf: unknown, facts: Partial<ProxyFacts> = {}, place: Partial<ProxyPlace> = {}) {
  const {
    listeners = [],
    clusters = [],
    documents = [],
    warnings = [],
  } = meshMetric.hooks.proxy?.({ ...proxyPlace(facts), ...place }, conf) ?? {};
  const document = documents.map(({ body }) => JSON.parse(body).observability.metrics)[0];
  return { listeners, clusters: clusters.map(({ message }) => message.name), document, warnings };
}

const socketsOf = ({ listeners }: ReturnType<typeof additions>) =>
  listeners.map(({ chains }) => chains.map(({ message }) => message.transportSocket !== undefined));

test('without a backend nothing is gathered', () => {
  assert.deepEqual(additions({ applications: [{ port: 80 }] }), {
    listeners: [],
    clusters: [],
    document: undefined,
    warnings: [],
  });
});

test('several Prometheus backends are told apart by their clients', () => {
  const two = { backends: [...prometheus().backends, ...prometheus(undefined, { clientId: 'other' }).backends] };
  const { listeners, document } = additions(two);
  assert.deepEqual(
    listeners.map(({ message }) => message.name),
    ['_kuma:metrics:prometheus:default-backend', '_kuma:metrics:prometheus:other'],
  );
  assert.deepEqual(document.backends, [{ type: 'Prometheus', name: null }]);
});

test('with ActiveMTLSBackend only the own host may ask without a certificate', () => {
  const secured = additions(prometheus('ActiveMTLSBackend'));
  assert.deepEqual(socketsOf(secured), [[false, true]]);
  assert.equal(secured.listeners[0]?.chains[0]?.message.filterChainMatch?.sourceType, 1);
});

test('TLS that cannot be had closes the listener and says why', () => {
  for (const [mode, facts, word] of [
    ['ActiveMTLSBackend', { mtls: false }, 'mutual TLS'],
    ['ProvidedTLS', {}, '--metrics-cert-path'],
  ] as const) {
    const { listeners, clusters, warnings } = additions(prometheus(mode), facts);
    assert.deepEqual([listeners, clusters], [[], []]);
    assert.match(warnings.join(), new RegExp(word));
  }
  const metricsCertificate = { certificate: '/cert.pem', key: '/key.pem' };
  assert.deepEqual(socketsOf(additions(prometheus('ProvidedTLS'), {}, { metricsCertificate })), [[true]]);
});

test('a collector that is referred to is found, with its protocol; one that is not there gets nothing', () => {
  const found = additions(referring, { collectorOf: ({ name }) => (name === 'main' ? main : undefined) });
  assert.deepEqual(found.clusters, ['_kuma:metrics:opentelemetry:main']);
  assert.deepEqual(found.document.backends[0].openTelemetry, {
    endpoint: '/tmp/kuma-dp/kuma-otel-main.sock',
    refreshInterval: '1m0s',
    protocol: 'http',
    path: '/otlp',
  });
  const missing = additions(referring, { collectorOf: () => undefined });
  assert.deepEqual([missing.clusters, missing.listeners], [[], []]);
  assert.deepEqual(missing.document.backends, []);
});

test('a name too long for a socket gets a short one', () => {
  const long = { ...main, name: 'c'.repeat(200) };
  const { document } = additions(referring, { collectorOf: () => long });
  assert.ok(document.backends[0].openTelemetry.endpoint.length < 107);
});

test('labels say whose metrics they are: by tags, or by the workload where names are unified', () => {
  const { document } = additions(prometheus());
  assert.deepEqual(document.extraLabels, {
    kuma_io_service: 'web',
    kuma_io_services: ',web,',
    version: 'v1',
    versions: ',v1,v2,',
    dataplane: 'web-1',
    service: 'web',
    'kuma.proxy_role': 'sidecar',
    mesh: 'default',
    zone: 'east',
  });
  const unified = additions(prometheus(), { unifiedNaming: true });
  assert.deepEqual(Object.keys(unified.document.extraLabels), ['kuma.proxy_role', 'mesh', 'zone']);
  assert.deepEqual(unified.clusters, ['system_meshmetric_prometheus_default-backend']);
});
