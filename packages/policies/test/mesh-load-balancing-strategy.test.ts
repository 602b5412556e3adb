import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import type { EndpointLocality } from '@ursa/envoy';
import { ClusterSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { RouteSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { EndpointsPlace } from '@ursa/policy';
import { meshLoadBalancingStrategy } from '../src/mesh-load-balancing-strategy/mesh-load-balancing-strategy.ts';
import { clusterDraft, outboundPlace, routePlace } from './drafts.ts';

type Json = { readonly [field: string]: Json };
const { hooks } = meshLoadBalancingStrategy;

function cluster(conf: object): Json {
  const draft = clusterDraft();
  hooks.cluster?.({ proxy: outboundPlace('http').proxy, protocol: 'http', cluster: draft }, conf);
  return toJson(ClusterSchema, draft.message) as Json;
}

function hashed(conf: object): unknown {
  const place = routePlace('http');
  hooks.route?.(place, conf);
  return (toJson(RouteSchema, place.route) as Json).route?.hashPolicy;
}

const instance = (address: string, tags: Readonly<Record<string, string>>) => ({ address, port: 80, weight: 1, tags });
const zoneOf = (zone: string, ...endpoints: EndpointLocality['endpoints']): EndpointLocality => ({ zone, endpoints });

/** What a conf makes of endpoints: each group as `priority zone/subZone weight: addresses`, and the factor. */
function arranged(
  localityAwareness: object,
  callerTags: Readonly<Record<string, string>>,
  ...given: EndpointLocality[]
) {
  const place: EndpointsPlace = { zone: 'here', callerTags, localities: given, overprovisioningFactor: undefined };
  hooks.endpoints?.(place, { localityAwareness });
  const groups = place.localities.map(({ zone, subZone = '', priority, weight, endpoints }) => {
    return `${priority} ${zone}/${subZone} ${weight}: ${endpoints.map(({ address }) => address).join(' ')}`;
  });
  return [...groups, place.overprovisioningFactor];
}

test('each load balancer is Envoy’s of the same name', () => {
  const policies = ['RoundRobin', 'LeastRequest', 'RingHash', 'Random', 'Maglev'].map(
    (type) => cluster({ loadBalancer: { type } }).lbPolicy,
  );
  assert.deepEqual(policies, [undefined, 'LEAST_REQUEST', 'RING_HASH', 'RANDOM', 'MAGLEV']);
});

test('settings of the chosen load balancer count, those of others do not', () => {
  const all = {
    leastRequest: { choiceCount: 5, activeRequestBias: '1.5' },
    ringHash: { hashFunction: 'MurmurHash2', minRingSize: 100, maxRingSize: 1000 },
    maglev: { tableSize: 17 },
  };
  const settings = (type: string) => {
    const { leastRequestLbConfig, ringHashLbConfig, maglevLbConfig } = cluster({ loadBalancer: { type, ...all } });
    return JSON.parse(JSON.stringify({ leastRequestLbConfig, ringHashLbConfig, maglevLbConfig }));
  };
  assert.deepEqual(settings('Random'), {});
  assert.deepEqual(settings('LeastRequest'), {
    leastRequestLbConfig: { choiceCount: 5, activeRequestBias: { defaultValue: 1.5 } },
  });
  assert.deepEqual(settings('RingHash'), {
    ringHashLbConfig: { hashFunction: 'MURMUR_HASH_2', minimumRingSize: '100', maximumRingSize: '1000' },
  });
  assert.deepEqual(settings('Maglev'), { maglevLbConfig: { tableSize: '17' } });
});

test('every hash policy looks at its own part of a request', () => {
  const hashPolicies = [
    { type: 'Header', header: { name: 'x-user' }, terminal: true },
    { type: 'Cookie', cookie: { name: 'c', ttl: '10s', path: '/x' } },
    { type: 'Cookie', cookie: { name: 'd' } },
    { type: 'Connection', connection: { sourceIP: true } },
    { type: 'SourceIP' },
    { type: 'QueryParameter', queryParameter: { name: 'q' } },
    { type: 'FilterState', filterState: { key: 'k' } },
  ];
  assert.deepEqual(hashed({ hashPolicies }), [
    { header: { headerName: 'x-user' }, terminal: true },
    { cookie: { name: 'c', ttl: '10s', path: '/x' } },
    { cookie: { name: 'd' } },
    { connectionProperties: { sourceIp: true } },
    { connectionProperties: { sourceIp: true } },
    { queryParameter: { name: 'q' } },
    { filterState: { key: 'k' } },
  ]);
});

test('hash policies of the load balancer count where there are no others, and only of the chosen one', () => {
  const header = (name: string) => [{ type: 'Header', header: { name } }];
  const loadBalancer = { ringHash: { hashPolicies: header('ring') }, maglev: { hashPolicies: header('maglev') } };
  const expected = (name: string) => [{ header: { headerName: name } }];
  assert.deepEqual(hashed({ loadBalancer: { type: 'RingHash', ...loadBalancer } }), expected('ring'));
  assert.deepEqual(hashed({ loadBalancer: { type: 'Maglev', ...loadBalancer } }), expected('maglev'));
  assert.equal(hashed({ loadBalancer: { type: 'Random', ...loadBalancer } }), undefined);
  const both = { loadBalancer: { type: 'Maglev', ...loadBalancer }, hashPolicies: header('newer') };
  assert.deepEqual(hashed(both), expected('newer'));
});

const here = zoneOf(
  'here',
  instance('a', { node: 'n1', rack: 'r1' }),
  instance('b', { node: 'n2', rack: 'r1' }),
  instance('c', { node: 'n3', rack: 'r2' }),
);
const tags = (...affinityTags: object[]) => ({ localZone: { affinityTags } });

test('instances count for the first tag that they share with the caller', () => {
  const caller = { node: 'n1', rack: 'r1' };
  const groups = ['0 here/node=n1 90: a', '0 here/rack=r1 9: b', '0 here/ 1: c', 200];
  assert.deepEqual(arranged(tags({ key: 'node' }, { key: 'rack' }), caller, here), groups);
  const weighted = tags({ key: 'node', weight: 7 }, { key: 'rack', weight: 3 });
  assert.deepEqual(arranged(weighted, caller, here), [
    '0 here/node=n1 7: a',
    '0 here/rack=r1 3: b',
    '0 here/ 1: c',
    200,
  ]);
});

test('tags that the caller does not have are passed over; of one with several values each counts', () => {
  assert.deepEqual(arranged(tags({ key: 'node' }), {}, here), ['0 here/ 1: a b c', 200]);
  const several = arranged(tags({ key: 'node' }), { node: 'n1,n2' }, here);
  assert.deepEqual(several, ['0 here/node=n1 9: a', '0 here/node=n2 9: b', '0 here/ 1: c', 200]);
});

test('without failover no traffic leaves the zone, and disabled leaves everything as it is', () => {
  const there = zoneOf('there', instance('x', {}));
  assert.deepEqual(arranged({ crossZone: {} }, {}, here, there), ['0 here/ 1: a b c', 200]);
  const left = arranged({ disabled: true, ...tags({ key: 'node' }) }, { node: 'n1' }, there);
  assert.deepEqual(left, ['undefined there/ undefined: x', undefined]);
});

test('failover rules make priorities in their order', () => {
  const zones = ['one', 'two', 'three'].map((zone) => zoneOf(zone, instance(zone, {})));
  const failing = (...failover: object[]) => arranged({ crossZone: { failover } }, {}, ...zones);
  const any = { to: { type: 'Any' } };
  const only = (...names: string[]) => ({ to: { type: 'Only', zones: names } });
  assert.deepEqual(failing(any), ['0 one/ 1: one', '0 two/ 1: two', '0 three/ 1: three', 200]);
  assert.deepEqual(failing(only('three'), only('one')), ['1 one/ 1: one', '0 three/ 1: three', 200]);
  assert.deepEqual(failing(only('two'), { to: { type: 'None' } }, any), ['0 two/ 1: two', 200]);
  const except = { to: { type: 'AnyExcept', zones: ['one'] } };
  assert.deepEqual(failing(except, only('one')), ['1 one/ 1: one', '0 two/ 1: two', '0 three/ 1: three', 200]);
  const fromElsewhere = { from: { zones: ['two'] }, ...only('three') };
  assert.deepEqual(failing(fromElsewhere), [200]);
  const fromHere = { from: { zones: ['two', 'here'] }, ...only('three') };
  assert.deepEqual(failing(fromHere), ['0 three/ 1: three', 200]);
});

test('other zones come after the own one, and the threshold says when', () => {
  const there = zoneOf('there', instance('x', {}));
  const factors = ['25', 50, 70, '100'].map((percentage) => {
    const crossZone = { failover: [{ to: { type: 'Any' } }], failoverThreshold: { percentage } };
    const [near, far, factor] = arranged({ crossZone }, {}, here, there);
    assert.deepEqual([near, far], ['0 here/ 1: a b c', '1 there/ 1: x']);
    return factor;
  });
  assert.deepEqual(factors, [400, 200, 100, 100]);
});
