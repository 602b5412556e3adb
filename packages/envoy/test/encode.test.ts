import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FilterChainMatchSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { RouterSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  buildCluster,
  buildListener,
  decodeResource,
  type EnvoyResource,
  encodeEndpoints,
  encodeResource,
  endpointsCluster,
  httpChain,
  httpFilter,
  listenerDraft,
  metadataOf,
  pack,
  prefixRoute,
  resourceJson,
  routeConfiguration,
  schemas,
  socketAddress,
  tcpChain,
  trustSecret,
  typeUrls,
} from '../src/index.ts';

const clusterOf = (name: string): EnvoyResource =>
  encodeResource('cluster', buildCluster(endpointsCluster(name)), 'outbound');

test('equal content is one frozen object with one version; different content has another version', () => {
  const first = clusterOf('api');
  assert.equal(clusterOf('api'), first);
  assert.ok(Object.isFrozen(first));
  assert.notEqual(clusterOf('api2').version, first.version);
  assert.equal(encodeResource('secret', trustSecret('api', ''), 'outbound').type, 'secret');
});

test('a resource comes back as the message it was made from', () => {
  const resource = clusterOf('api');
  const message = decodeResource({ ...resource, type: 'cluster' });
  assert.equal(message.name, 'api');
  assert.deepEqual((resourceJson(resource) as { edsClusterConfig: object }).edsClusterConfig, {
    edsConfig: { ads: {}, resourceApiVersion: 'V3' },
  });
});

test('every type has the schema of its type URL', () => {
  for (const [type, url] of Object.entries(typeUrls)) {
    assert.equal(`type.googleapis.com/${schemas[type as keyof typeof schemas].typeName}`, url);
  }
});

test('endpoints that are encoded by hand are what protobuf reads', () => {
  const tags = { 'kuma.io/zone': 'east', version: '1' };
  const endpoints = [
    { address: '10.0.0.1', port: 8080, weight: 1, tags, labels: { app: 'api' } },
    { address: '2001:db8::1', port: 0, weight: 300, tags: {} },
  ];
  const resource = encodeEndpoints('api', [
    { zone: 'east', endpoints },
    { zone: 'west', subZone: 'one', priority: 1, weight: 7, endpoints: [] },
  ]);
  assert.deepEqual(resourceJson(resource), {
    clusterName: 'api',
    endpoints: [
      {
        locality: { zone: 'east' },
        lbEndpoints: [
          {
            endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue: 8080 } } },
            metadata: {
              filterMetadata: {
                'envoy.lb': tags,
                'envoy.transport_socket_match': tags,
                'io.kuma.labels': { app: 'api' },
              },
            },
            loadBalancingWeight: 1,
          },
          {
            endpoint: { address: { socketAddress: { address: '2001:db8::1', portValue: 0 } } },
            loadBalancingWeight: 300,
          },
        ],
      },
      { locality: { zone: 'west', subZone: 'one' }, loadBalancingWeight: 7, priority: 1 },
    ],
  });
  assert.equal(resource.name, 'api');
  assert.deepEqual(resourceJson(encodeEndpoints('none', [])), { clusterName: 'none' });
});

test('metadata keeps its values and does not depend on the order in which tags were written', () => {
  const listenerWith = (tags: Record<string, string>): EnvoyResource =>
    encodeResource(
      'listener',
      buildListener(listenerDraft({ name: 'one', address: socketAddress('::', 1), chains: [], tags })),
      'outbound',
    );
  assert.equal(listenerWith({ a: '1', b: '2' }), listenerWith({ b: '2', a: '1' }));
  assert.deepEqual(metadataOf({ 'envoy.lb': { version: 'v1' } }).filterMetadata, { 'envoy.lb': { version: 'v1' } });
});

test('filters stand in the order of their stages, in the order of their adding within one, and the router comes last', () => {
  const routes = routeConfiguration({ virtualHost: 'all', routes: [prefixRoute({ prefix: '/', cluster: 'api' })] });
  const chain = httpChain('api', routes, { trusted: 'private' });
  assert.equal(chain.terminal.kind, 'http');
  if (chain.terminal.kind !== 'http') return;
  const filter = (name: string) => httpFilter(name, pack(RouterSchema, create(RouterSchema)));
  chain.terminal.httpFilters.push({ stage: 'rateLimit', filter: filter('limit') });
  chain.terminal.httpFilters.push({ stage: 'authorization', filter: filter('first') });
  chain.terminal.httpFilters.push({ stage: 'authorization', filter: filter('second') });
  chain.terminal.httpFilters.push({ stage: 'fault', filter: filter('fault') });
  const listener = buildListener(listenerDraft({ name: 'one', address: socketAddress('::', 1), chains: [chain] }));
  const json = JSON.stringify(resourceJson(encodeResource('listener', listener, 'outbound')));
  const names = [...json.matchAll(/"name":"([a-z.]+)","typedConfig":\{"@type":"[^"]*Router/g)].map((match) => match[1]);
  assert.deepEqual(names, ['fault', 'first', 'second', 'limit', 'envoy.filters.http.router']);
});

test('a chain keeps its match when it is packed', () => {
  const chain = tcpChain('one', 'one');
  chain.message.filterChainMatch = create(FilterChainMatchSchema, { destinationPort: 80 });
  const listener = buildListener(listenerDraft({ name: 'one', address: socketAddress('::', 1), chains: [chain] }));
  assert.equal(listener.filterChains[0]?.filterChainMatch?.destinationPort, 80);
});
