import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetRef } from '@ursa/resources';
import {
  confFor,
  confForAll,
  destinationId,
  destinationsOf,
  mergeForProxy,
  mergeInbound,
  mergeTo,
  type OutboundRules,
  outboundConf,
  type PolicyShape,
} from '../src/index.ts';
import { entry, inZone, policy, resource, sidecar } from './small-policies.ts';

const mesh = resource('Mesh', 'default');
const ports = [{ name: 'http', port: 80 }, { port: 81 }];
const web = resource('MeshService', 'web', { ports }, { app: 'web', tier: 'front' });
const api = resource('MeshService', 'api', { ports }, { tier: 'front' });
const among = destinationsOf([mesh, web, api]);
const shape: PolicyShape = {
  hasTo: true,
  hasFrom: true,
  hasRules: true,
  fromAsRules: true,
  toConf: 'default',
  merge: {},
};

function rulesOf(...items: readonly [targetRef: TargetRef, conf: unknown][]): OutboundRules {
  return mergeTo([policy('some', { to: items.map(([targetRef, conf]) => entry(targetRef, conf)) })], among, shape);
}

test('a port finds its own rule, or that of its service, or that of the mesh', () => {
  const rules = rulesOf(
    [{ kind: 'Mesh' }, { mesh: 1 }],
    [{ kind: 'MeshService', name: 'web' }, { service: 1 }],
    [{ kind: 'MeshService', name: 'web', sectionName: 'http' }, { port: 1 }],
  );
  assert.deepEqual(confFor(rules, destinationId(web, 'http')), { mesh: 1, service: 1, port: 1 });
  assert.deepEqual(confFor(rules, destinationId(web, '81')), { mesh: 1, service: 1 });
  assert.deepEqual(confFor(rules, destinationId(api, 'http')), { mesh: 1 });
});

test('labels speak of every service that has them', () => {
  const rules = rulesOf([{ kind: 'MeshService', labels: { tier: 'front' } }, { one: 1 }]);
  assert.deepEqual([confFor(rules, destinationId(web)), confFor(rules, destinationId(api))], [{ one: 1 }, { one: 1 }]);
});

test('a reference to what is not there says nothing', () => {
  assert.equal(rulesOf([{ kind: 'MeshService', name: 'nobody' }, {}]).size, 0);
  assert.equal(rulesOf([{ kind: 'MeshService', name: 'web', sectionName: 'nothing' }, {}]).size, 0);
});

test('a name in a policy of one zone means the service of that zone', () => {
  const [east, west] = ['east', 'west'].map((zone) => resource('MeshService', `web-${zone}`, { ports }, named(zone)));
  assert.ok(east && west);
  const head = policy('some', { to: [entry({ kind: 'MeshService', name: 'web' }, { one: 1 })] }, inZone('east'));
  const rules = mergeTo([head], destinationsOf([mesh, east, west]), shape);
  assert.deepEqual([confFor(rules, destinationId(east)), confFor(rules, destinationId(west))], [{ one: 1 }, undefined]);
});

test('the tag of a service of Kubernetes means the service that came of it, in all zones', () => {
  const labels = { 'k8s.kuma.io/namespace': 'shop', 'kuma.io/display-name': 'web' };
  const inShop = resource('MeshService', 'web-x1', { ports }, { ...labels, 'kuma.io/zone': 'east' });
  const shop = destinationsOf([mesh, web, inShop]);
  const sectionsOf = (name: string) => {
    const head = policy('some', { to: [entry({ kind: 'MeshService', name }, { one: 1 })] });
    return [...mergeTo([head], shop, shape).values()].map(({ destination }) => [
      destination.resource.name,
      destination.sectionName,
    ]);
  };
  assert.deepEqual(sectionsOf('web_shop_svc_80'), [['web-x1', 'http']]);
  assert.deepEqual(sectionsOf('web_shop_svc_81'), [['web-x1', '81']]);
  assert.deepEqual(sectionsOf('web_shop_svc'), [['web-x1', '']]);
  assert.deepEqual([...sectionsOf('web_shop_svc_82'), ...sectionsOf('web_other_svc_80')], []);
});

test('a rule says which entries it came from, the weakest first', () => {
  const head = policy('some', {
    to: [entry({ kind: 'MeshService', name: 'web' }, { one: 1 }), entry({ kind: 'Mesh' }, { two: 1 })],
  });
  const rules = mergeTo([head], among, shape);
  const origins = [...rules.values()].map((rule) => rule.origins.map((origin) => origin.ruleIndex));
  assert.deepEqual(origins.toSorted(), [[1], [1, 0]]);
});

test('a service of the older kind finds its rule by its tag', () => {
  const to = [entry({ kind: 'Mesh' }, { all: 1 }), entry({ kind: 'MeshService', name: 'web' }, { web: 1 })];
  const proxy = sidecar('client', [{}]);
  const selection = { inbounds: [0], listeners: [], delegated: false };
  const rules = mergeForProxy(shape, [{ head: policy('some', { to }), selection }], proxy, among);
  assert.deepEqual(outboundConf(rules, { kind: 'service', service: 'web' }), { all: 1, web: 1 });
  assert.deepEqual(outboundConf(rules, { kind: 'service', service: 'api' }), { all: 1 });
});

test('an inbound gets the rules of the policies that select it', () => {
  const first = policy('first', { rules: [{ default: { one: 1 } }] });
  const second = policy('second', { from: [entry({ kind: 'Mesh' }, { two: 1 })] });
  const proxy = sidecar('web-1', [{}, {}]);
  const both = { inbounds: [0, 1], listeners: [], delegated: false };
  const matched = [
    { head: first, selection: both },
    { head: second, selection: { ...both, inbounds: [1] } },
  ];
  const { inbounds } = mergeForProxy(shape, matched, proxy, among);
  assert.deepEqual(
    inbounds.map((rules) => confForAll(rules.rules)),
    [{ one: 1 }, { one: 1, two: 1 }],
  );
});

test('an exact identity comes before a prefix, and a prefix before everybody', () => {
  const match = (type: 'Exact' | 'Prefix') => [{ spiffeID: { type, value: 'spiffe://default/web' } }];
  const head = policy('some', {
    rules: [{ default: 3 }, { default: 2, matches: match('Prefix') }, { default: 1, matches: match('Exact') }],
  });
  assert.deepEqual(
    mergeInbound([head], true).map((rule) => rule.conf),
    [1, 2, 3],
  );
});

function named(zone: string) {
  return { ...inZone(zone), 'kuma.io/display-name': 'web' };
}
