// What a reader of a policy learns about what it refers to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectedProxy } from '../connected-proxy.ts';
import { dataplaneDocument, openDefault, timeoutDocument } from './documents.ts';

const backendRef = { kind: 'MeshOpenTelemetryBackend', name: 'main' };
const backends = [{ type: 'OpenTelemetry', openTelemetry: { backendRef } }];
const specs = {
  meshmetrics: { type: 'MeshMetric', spec: { default: { backends } } },
  meshtraces: { type: 'MeshTrace', spec: { default: { backends } } },
  meshaccesslogs: { type: 'MeshAccessLog', spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { backends } }] } },
} as const;
const collector = { type: 'MeshOpenTelemetryBackend', mesh: 'default', name: 'main', spec: { protocol: 'grpc' } };

for (const [path, policy] of Object.entries(specs)) {
  test(`the status of a ${policy.type} says whether its collector is there`, async () => {
    const { ask } = await openDefault();
    const at = `/meshes/default/${path}/a`;
    const written = await ask('PUT', at, { ...policy, mesh: 'default', name: 'a' });
    assert.equal(written.status, 201, written.text);
    const conditions = async () => {
      const { body, headers } = await ask('GET', at);
      const [{ type, status, reason, message }] = body.status.conditions;
      return { said: [type, status, reason], message, tag: headers.etag };
    };
    const missing = await conditions();
    assert.deepEqual(missing.said, ['BackendRefsResolved', 'False', 'UnresolvedBackendRefs']);
    assert.match(missing.message, /MeshOpenTelemetryBackend main: create it/);
    await ask('PUT', '/meshes/default/meshopentelemetrybackends/main', collector);
    const found = await conditions();
    assert.deepEqual(found.said, ['BackendRefsResolved', 'True', 'AllBackendRefsResolved']);
    assert.equal(found.tag, missing.tag, 'the policy is the version that it was');
    await ask('DELETE', '/meshes/default/meshopentelemetrybackends/main');
    assert.deepEqual(await conditions(), missing);
  });
}

test('a policy that refers to nothing has an empty status, and a policy that is read can be written back', async () => {
  const { ask } = await openDefault();
  const endpoint = [{ type: 'OpenTelemetry', openTelemetry: { endpoint: 'collector.example:4317' } }];
  const direct = { type: 'MeshMetric', mesh: 'default', name: 'a', spec: { default: { backends: endpoint } } };
  await ask('PUT', '/meshes/default/meshmetrics/a', direct);
  assert.deepEqual((await ask('GET', '/meshes/default/meshmetrics/a')).body.status, {});
  await ask('PUT', '/meshes/default/meshmetrics/b', { ...specs.meshmetrics, mesh: 'default', name: 'b' });
  const { body } = await ask('GET', '/meshes/default/meshmetrics/b');
  const again = await ask('PUT', '/meshes/default/meshmetrics/b', body);
  assert.equal(again.status, 200, again.text);
});

test('what is observed of a policy is looked for when somebody reads it, not when somebody writes it', async () => {
  const { ask, live } = await openDefault();
  const path = '/meshes/default/meshtimeouts/a';
  const observed = () => live.graph.stats().recomputed['fault of a resource'];
  const before = observed();
  for (const timeout of ['1s', '2s']) await ask('PUT', path, timeoutDocument('a', timeout));
  await ask('POST', '/_apply', { resources: [timeoutDocument('a', '3s')] });
  assert.equal((await ask('DELETE', path)).status, 200);
  assert.equal(observed(), before, 'by writes');
  await ask('PUT', path, timeoutDocument('a', '4s'));
  await ask('GET', path);
  assert.notEqual(observed(), before, 'by a read');
});

test('proxies without the variables that a collector insists on stand in the status of it and of its policies', async () => {
  const { ask, connect } = await openDefault();
  const target = '/meshes/default/meshopentelemetrybackends/main';
  const write = async (mode: string) => {
    const { status, body, text } = await ask('PUT', target, { ...collector, spec: { env: { mode } } });
    assert.ok(status < 300, text);
    assert.deepEqual(body.warnings ?? [], []);
  };
  await write('Required');
  for (const [path, policy] of Object.entries(specs)) {
    await ask('PUT', `/meshes/default/${path}/a`, { ...policy, mesh: 'default', name: 'a' });
  }
  for (const name of ['web', 'db', 'told']) {
    await ask('PUT', `/meshes/default/dataplanes/${name}`, dataplaneDocument(name));
  }
  const endpoint = { host: 'collector.example', port: 4317, path: '' };
  const openTelemetry = { systemCaPath: '', shared: { endpoint, kept: [], wrong: [] } };
  connect(connectedProxy('web'));
  connect(connectedProxy('db'));
  connect({ ...connectedProxy('told'), openTelemetry });
  const places = [target, ...Object.keys(specs).map((path) => `/meshes/default/${path}/a`)];
  const conditionOf = async (at: string) => {
    const conditions: readonly { type: string; status: string; reason: string; message: string }[] =
      (await ask('GET', at)).body.status?.conditions ?? [];
    return conditions.find(({ type }) => type === 'EnvironmentResolved');
  };
  for (const place of places) {
    const condition = await conditionOf(place);
    assert.deepEqual([condition?.status, condition?.reason], ['False', 'RequiredEnvMissing'], place);
    assert.match(condition?.message ?? '', /^2 proxies \(db, web\) send nothing.*OTEL_EXPORTER_OTLP_/);
  }
  await write('Optional');
  for (const place of places) assert.equal(await conditionOf(place), undefined, place);
});
