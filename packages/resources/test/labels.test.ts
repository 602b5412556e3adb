import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  computeLabels,
  immutableLabelViolations,
  kriOf,
  type LabelContext,
  parseKri,
  parseResource,
} from '../src/index.ts';
import { exampleOf } from './examples.ts';
import { types, zoneContext } from './registry.ts';

const globalContext: LabelContext = { mode: 'global', zone: '', environment: 'universal', federated: false };

function labelsOf(name: string, context: LabelContext, fields: Record<string, unknown> = {}): Record<string, string> {
  const type = types.byName(name);
  assert.ok(type);
  const draft = parseResource(types, { ...exampleOf(name, type.specForm, type.scope), labels: {}, ...fields });
  return { ...computeLabels(type, draft, context) };
}

test('a zone says where its resources come from', () => {
  assert.deepEqual(labelsOf('Dataplane', zoneContext), {
    'kuma.io/mesh': 'default',
    'kuma.io/origin': 'zone',
    'kuma.io/zone': 'default',
    'kuma.io/env': 'universal',
    'kuma.io/proxy-type': 'sidecar',
  });
  assert.deepEqual(labelsOf('HostnameGenerator', zoneContext), {
    'kuma.io/origin': 'zone',
    'kuma.io/zone': 'default',
    'kuma.io/env': 'universal',
  });
});

test('types that no zone provides carry the mesh only, and Mesh nothing', () => {
  assert.deepEqual(labelsOf('HealthCheck', zoneContext), { 'kuma.io/mesh': 'default' });
  assert.deepEqual(labelsOf('MeshMultiZoneService', zoneContext), { 'kuma.io/mesh': 'default' });
  assert.deepEqual(labelsOf('Mesh', zoneContext), {});
});

test('a global control plane adds the mesh only', () => {
  assert.deepEqual(labelsOf('MeshExternalService', globalContext), { 'kuma.io/mesh': 'default' });
});

test('proxies are labelled by what they are', () => {
  const gateway = {
    networking: { address: '10.0.0.1', gateway: { type: 'BUILTIN', tags: { 'kuma.io/service': 'edge' } } },
  };
  const listener = {
    networking: { address: '10.0.0.1', listeners: [{ type: 'ZoneEgress', address: '10.0.0.1', port: 10002 }] },
  };
  assert.equal(
    labelsOf('Dataplane', zoneContext, { ...gateway, probes: undefined, metrics: undefined })['kuma.io/proxy-type'],
    'gateway',
  );
  assert.equal(labelsOf('Dataplane', zoneContext, listener)['kuma.io/listener-zoneegress'], 'enabled');
  const delegated = { networking: { address: '10.0.0.1', gateway: { tags: { 'kuma.io/service': 'edge' } } } };
  assert.equal(labelsOf('Dataplane', zoneContext, delegated)['kuma.io/proxy-type'], 'sidecar');
  assert.equal(labelsOf('ZoneIngress', zoneContext)['kuma.io/proxy-type'], 'zoneingress');
});

test('labels of the author are kept, and labels that would lie are refused', () => {
  assert.equal(labelsOf('Dataplane', zoneContext, { labels: { app: 'web' } }).app, 'web');
  const parse = (labels: Record<string, string>, context = zoneContext): unknown =>
    parseResource(types, { ...exampleOf('MeshExternalService', 'nested', 'Mesh'), labels }, { labels: context });
  const refused = (labels: Record<string, string>, field: string, context = zoneContext): void => {
    assert.throws(
      () => parse(labels, context),
      (error: { violations: { field: string }[] }) => error.violations.some((violation) => violation.field === field),
    );
  };
  refused({ 'kuma.io/mesh': 'other' }, 'labels["kuma.io/mesh"]');
  refused({ 'kuma.io/zone': 'other' }, 'labels["kuma.io/zone"]');
  refused({ 'kuma.io/origin': 'mars' }, 'labels["kuma.io/origin"]');
  parse({ 'kuma.io/zone': 'east', 'kuma.io/mesh': 'other' }, globalContext);
  const type = types.byName('MeshExternalService');
  assert.ok(type);
  const misled = { mesh: 'default', labels: { 'kuma.io/mesh': 'other' }, spec: {} };
  assert.equal(computeLabels(type, misled, globalContext)['kuma.io/mesh'], 'default');
  refused({}, 'labels["kuma.io/origin"]', { ...zoneContext, federated: true });
  refused({ 'bad key!': 'x' }, 'labels["bad key!"]');
  refused({ key: 'bad value!' }, 'labels["key"]');
  parse({ 'kuma.io/origin': 'zone' }, { ...zoneContext, federated: true });
});

test('origin and zone stay as they were at creation', () => {
  const stored = { 'kuma.io/origin': 'zone', 'kuma.io/zone': 'default', app: 'a' };
  assert.deepEqual(immutableLabelViolations(stored, { 'kuma.io/origin': 'global' }), [
    { field: 'labels["kuma.io/origin"]', message: 'is immutable, cannot be changed from "zone" to "global"' },
    { field: 'labels["kuma.io/zone"]', message: 'is immutable, cannot be removed (was "default")' },
  ]);
  assert.deepEqual(immutableLabelViolations(stored, { ...stored, app: 'b' }), []);
});

test('a KRI names a resource by its type, mesh, zone, namespace and display name', () => {
  const type = types.byName('MeshService');
  assert.ok(type);
  const labels = { 'kuma.io/zone': 'east', 'k8s.kuma.io/namespace': 'demo', 'kuma.io/display-name': 'web' };
  const kri = kriOf(type, { mesh: 'default', name: 'web-x2', labels }, 'http');
  assert.equal(kri, 'kri_msvc_default_east_demo_web_http');
  assert.deepEqual(parseKri(kri), {
    type: 'msvc',
    mesh: 'default',
    zone: 'east',
    namespace: 'demo',
    name: 'web',
    section: 'http',
  });
  assert.throws(() => parseKri('invalid-kri'), {
    code: 'invalid',
    message: 'invalid identifier string: "invalid-kri"',
  });
  assert.throws(() => parseKri('id_dp_a_b_c_d_e'), { message: /must start with 'kri'/ });
  const secret = types.byName('Secret');
  assert.ok(secret);
  assert.equal(kriOf(secret, { mesh: 'default', name: 'a', labels: {} }), undefined);
});
