// Every field of a Dataplane, one by one: what of its proxy's configuration, or of those that call it, follows the field. A field of the schema that
// is in no list here fails the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes } from '@ursa/resources';
import type { ConnectedProxy } from '../src/index.ts';
import { describeConfig } from './scenario.ts';
import { createWorld } from './world.ts';

type Document = { [field: string]: unknown };

/** Where a field is, what it is set to, and whose configuration has to say something else then. */
interface Row {
  readonly field: string;
  readonly value: unknown;
  /** What it is before; not there when left out. */
  readonly before?: unknown;
  /** The proxy itself, or one that calls it. */
  readonly seenBy: 'self' | 'caller';
  /** What has to be in the configuration then, and was not before. */
  readonly shows: RegExp;
  /** What the field needs around it. */
  readonly around?: Readonly<Record<string, unknown>>;
  readonly proxy?: Partial<ConnectedProxy>;
}

const plain: Partial<ConnectedProxy> = { features: ['feature-reuse-port'] };
const redirectedByDataplane = {
  'networking.transparentProxying.redirectPortInbound': 15006,
  'networking.transparentProxying.redirectPortOutbound': 15001,
};
const toOther = { 'networking.outbound[0].port': 10001, 'networking.outbound[0].tags': { 'kuma.io/service': 'other' } };
const byReference = {
  'networking.outbound[0].port': 10001,
  'networking.outbound[0].backendRef': { kind: 'MeshService', name: 'other', port: 80 },
};
const reference = (ref: Document) => ({
  ...redirectedByDataplane,
  'networking.transparentProxying.reachableBackends.refs': [ref],
});
const probe = { 'probes.endpoints': [{ inboundPort: 8080, inboundPath: '/health', path: '/8080/health' }] };

const rows: readonly Row[] = [
  { field: 'networking.address', value: '10.0.0.9', seenBy: 'self', shows: /inbound:10\.0\.0\.9:8080/ },
  { field: 'networking.advertisedAddress', value: '10.1.1.1', seenBy: 'caller', shows: /address: 10\.1\.1\.1/ },
  { field: 'networking.admin.port', value: 9999, seenBy: 'self', shows: /portValue: 9999/ },
  {
    field: 'networking.gateway.type',
    before: 'DELEGATED',
    value: 'BUILTIN',
    seenBy: 'self',
    shows: /a builtin-gateway gets no listeners yet/,
    around: { 'networking.inbound': undefined, 'networking.gateway.tags': { 'kuma.io/service': 'edge' } },
  },
  { field: 'networking.inbound[].port', value: 8181, seenBy: 'self', shows: /inbound:10\.0\.0\.1:8181/ },
  { field: 'networking.inbound[].servicePort', value: 8282, seenBy: 'self', shows: /portValue: 8282/ },
  { field: 'networking.inbound[].serviceAddress', value: '127.0.0.7', seenBy: 'self', shows: /address: 127\.0\.0\.7/ },
  { field: 'networking.inbound[].address', value: '10.0.0.8', seenBy: 'caller', shows: /address: 10\.0\.0\.8/ },
  {
    field: 'networking.inbound[].tags',
    value: { 'kuma.io/service': 'self', version: 'v7' },
    seenBy: 'caller',
    shows: /version: v7/,
  },
  {
    field: 'networking.inbound[].state',
    value: 'Ignored',
    seenBy: 'self',
    shows: /^(?![\s\S]*inbound:10\.0\.0\.1:8080)/,
  },
  {
    field: 'networking.inbound[].health.ready',
    value: false,
    seenBy: 'caller',
    shows: /^(?![\s\S]*address: 10\.0\.0\.1\b)/,
  },
  {
    field: 'networking.inbound[].protocol',
    value: 'http',
    seenBy: 'self',
    shows: /listener\/inbound:10\.0\.0\.1:8080:[\s\S]{0,300}http_connection_manager/,
  },
  {
    field: 'networking.outbound[].port',
    value: 10007,
    seenBy: 'self',
    shows: /outbound:127\.0\.0\.1:10007/,
    around: toOther,
  },
  {
    field: 'networking.outbound[].address',
    value: '127.0.0.5',
    seenBy: 'self',
    shows: /outbound:127\.0\.0\.5:10001/,
    around: toOther,
  },
  {
    field: 'networking.outbound[].tags',
    value: { 'kuma.io/service': 'other', version: 'v1' },
    seenBy: 'self',
    shows: /other-[0-9a-f]{16}/,
    around: toOther,
  },
  {
    field: 'networking.outbound[].backendRef.kind',
    value: 'MeshMultiZoneService',
    seenBy: 'self',
    shows: /mzsvc/,
    around: byReference,
  },
  {
    field: 'networking.outbound[].backendRef.name',
    value: 'self',
    seenBy: 'self',
    shows: /default_self__default_msvc_8080/,
    around: { ...byReference, 'networking.outbound[0].backendRef.port': 8080 },
  },
  {
    field: 'networking.outbound[].backendRef.port',
    value: 81,
    seenBy: 'self',
    shows: /default_other__default_msvc_81/,
    around: byReference,
  },
  {
    field: 'networking.outbound[].backendRef.labels',
    value: { team: 'two' },
    seenBy: 'self',
    shows: /default_other__default_msvc_80/,
    around: {
      'networking.outbound[0].port': 10001,
      'networking.outbound[0].backendRef': { kind: 'MeshService', name: 'none', port: 80 },
    },
  },
  {
    field: 'networking.transparentProxying.redirectPortInbound',
    value: 16006,
    seenBy: 'self',
    shows: /portValue: 16006/,
    around: redirectedByDataplane,
    proxy: plain,
  },
  {
    field: 'networking.transparentProxying.redirectPortOutbound',
    value: 16001,
    seenBy: 'self',
    shows: /portValue: 16001/,
    around: redirectedByDataplane,
    proxy: plain,
  },
  {
    field: 'networking.transparentProxying.ipFamilyMode',
    value: 'IPv4',
    seenBy: 'self',
    shows: /^(?![\s\S]*inbound:passthrough:ipv6)/,
    around: redirectedByDataplane,
    proxy: plain,
  },
  {
    field: 'networking.transparentProxying.directAccessServices',
    value: ['*'],
    seenBy: 'self',
    shows: /direct_access/,
    around: redirectedByDataplane,
  },
  {
    field: 'networking.transparentProxying.reachableServices',
    value: ['other'],
    seenBy: 'self',
    shows: /^(?![\s\S]*\n {2}name: self\n)/,
    around: redirectedByDataplane,
  },
  {
    field: 'networking.transparentProxying.reachableBackends.refs[].kind',
    value: 'MeshMultiZoneService',
    seenBy: 'self',
    shows: /mzsvc_80/,
    around: reference({ name: 'everywhere', kind: 'MeshService' }),
  },
  {
    field: 'networking.transparentProxying.reachableBackends.refs[].name',
    value: 'other',
    seenBy: 'self',
    shows: /default_other__default_msvc_80/,
    around: reference({ kind: 'MeshService', name: 'none' }),
  },
  {
    field: 'networking.transparentProxying.reachableBackends.refs[].port',
    value: 81,
    seenBy: 'self',
    shows: /^(?![\s\S]*msvc_80)[\s\S]*msvc_81/,
    around: reference({ kind: 'MeshService', name: 'other' }),
  },
  {
    field: 'networking.transparentProxying.reachableBackends.refs[].labels',
    before: { team: 'none' },
    value: { team: 'two' },
    seenBy: 'self',
    shows: /default_other__default_msvc_80/,
    around: reference({ kind: 'MeshService' }),
  },
  {
    field: 'networking.transparentProxying.reachableBackends.refs[].namespace',
    value: 'elsewhere',
    seenBy: 'self',
    shows: /^(?![\s\S]*msvc_80)/,
    around: reference({ kind: 'MeshService', name: 'other' }),
  },
  {
    field: 'metrics.conf',
    value: { port: 5999 },
    seenBy: 'self',
    shows: /portValue: 5999/,
    around: { 'metrics.type': 'prometheus' },
  },
  {
    field: 'metrics.type',
    value: 'prometheus',
    seenBy: 'self',
    shows: /portValue: 5998/,
    around: { 'metrics.conf': { port: 5998 } },
  },
  { field: 'probes.port', before: 9393, value: 9494, seenBy: 'self', shows: /portValue: 9494/, around: probe },
  {
    field: 'probes.endpoints[].path',
    value: '/asked',
    seenBy: 'self',
    shows: /path: \/asked/,
    around: { 'probes.port': 9000, ...probe },
  },
  {
    field: 'probes.endpoints[].inboundPath',
    value: '/led/to',
    seenBy: 'self',
    shows: /\/led\/to/,
    around: { 'probes.port': 9000, ...probe },
  },
  {
    field: 'probes.endpoints[].inboundPort',
    value: 8081,
    seenBy: 'self',
    shows: /path: \/8080\/health[\s\S]{0,400}localhost:8081/,
    around: {
      'probes.port': 9000,
      ...probe,
      'networking.inbound[1]': { port: 8081, tags: { 'kuma.io/service': 'more' } },
    },
  },
];

/** Fields that configurations do not follow, and where they are followed. */
const elsewhere: Readonly<Record<string, string>> = {
  'networking.gateway.tags': 'what certificates say, and which policies select it (identities.test.ts)',
  'networking.inbound[].name':
    'ports are named by it: routes and policies find them so (identities, MeshServices; mesh-service-generator.test.ts)',
  'networking.inbound[].serviceProbe.interval': 'health discovery (health-discovery.test.ts)',
  'networking.inbound[].serviceProbe.timeout': 'health discovery',
  'networking.inbound[].serviceProbe.unhealthyThreshold': 'health discovery',
  'networking.inbound[].serviceProbe.healthyThreshold': 'health discovery',
  'networking.inbound[].serviceProbe.tcp': 'health discovery',
  'envoy.xdsTransportProtocolVariant': 'the bootstrap (bootstrap-endpoint.test.ts)',
  'metrics.name': 'a name for people',
  'networking.listeners[].type': 'zone proxies that are Dataplanes come with zones',
  'networking.listeners[].name': 'zones',
  'networking.listeners[].address': 'zones',
  'networking.listeners[].port': 'zones',
  'networking.listeners[].state': 'zones',
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Paths of all fields that hold no others. */
function leaves(schema: Schema, path: string): readonly string[] {
  if (schema.items !== undefined) {
    return schema.items.properties === undefined ? [path] : leaves(schema.items, `${path}[]`);
  }
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return [path];
  return fields.flatMap(([name, field]) => leaves(field, path === '' ? name : `${path}.${name}`));
}

function set(document: Document, path: string, value: unknown): void {
  const steps = path.replaceAll('[]', '[0]').replaceAll('[', '.[').split('.');
  let at: Document = document;
  for (const [index, step] of steps.entries()) {
    const key = step.replaceAll(/[[\]]/g, '');
    if (index === steps.length - 1) {
      if (value === undefined) delete at[key];
      else at[key] = value;
      return;
    }
    at[key] ??= steps[index + 1]?.startsWith('[') === true ? [] : {};
    at = at[key] as Document;
  }
}

function baseDataplane(name: string, host: string): Document {
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': name } }];
  return { type: 'Dataplane', mesh: 'default', name, networking: { address: host, inbound } };
}

/** The configuration, as text, of the proxy or of one that calls it. */
function configured(row: Row, withField: boolean): string {
  const world = createWorld();
  world.apply({
    ...{ type: 'Mesh', name: 'default', meshServices: { mode: 'Everywhere' } },
    metrics: { enabledBackend: 'one', backends: [{ name: 'one', type: 'prometheus', conf: { port: 5670 } }] },
  });
  const self = baseDataplane('self', '10.0.0.1');
  for (const [path, value] of Object.entries(row.around ?? {})) set(self, path, structuredClone(value));
  if (withField) set(self, row.field, row.value);
  else if (row.before !== undefined) set(self, row.field, row.before);
  else if (row.around?.[row.field] === undefined && row.field.startsWith('metrics.')) set(self, 'metrics', undefined);
  const caller = baseDataplane('caller', '10.0.0.2');
  set(caller, 'networking.outbound', [{ port: 10001, tags: { 'kuma.io/service': 'self' } }]);
  const other = baseDataplane('other', '10.0.0.3');
  const twoPorts = {
    selector: { dataplaneTags: { 'kuma.io/service': 'other' } },
    ports: [80, 81].map((port) => ({ port, targetPort: 8080 })),
  };
  world.apply({ type: 'MeshService', mesh: 'default', name: 'other', labels: { team: 'two' }, spec: twoPorts });
  world.apply({
    ...{ type: 'MeshMultiZoneService', mesh: 'default' },
    name: row.field.includes('backendRef.kind') ? 'other' : 'everywhere',
    spec: { selector: { meshService: { matchLabels: { team: 'two' } } }, ports: [{ port: 80 }] },
  });
  for (const document of [self, caller, other]) world.apply(document);
  world.settle();
  const facts = row.seenBy === 'caller' ? plain : (row.proxy ?? {});
  const explicit = JSON.stringify(row.around ?? {}).includes('outbound') || row.field.startsWith('networking.outbound');
  const redirected = row.around !== undefined && 'networking.transparentProxying.redirectPortInbound' in row.around;
  const proxy = explicit || !redirected ? { ...plain, ...facts } : facts;
  const key = world.connect('default', row.seenBy === 'self' ? 'self' : 'caller', proxy);
  const config = world.engine.config.get(key);
  assert.ok(config, row.field);
  return describeConfig(config, ['*']);
}

for (const row of rows) {
  test(`networking of a proxy follows ${row.field}`, () => {
    assert.doesNotMatch(configured(row, false), row.shows);
    assert.match(configured(row, true), row.shows);
  });
}

test('no field of the schema is left out', () => {
  const spec = coreResourceTypes.find(({ name }) => name === 'Dataplane')?.spec as Schema;
  const known = new Set([...rows.map(({ field }) => field), ...Object.keys(elsewhere)]);
  assert.deepEqual([...leaves(spec, '')].sort(), [...known].sort());
});
