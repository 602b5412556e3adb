// What a reader of a policy learns about what it refers to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDefault } from './documents.ts';

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

test('a collector with settings that have no effect says so to the writer', async () => {
  const { ask } = await openDefault();
  const write = async (env: object) => {
    const document = { ...collector, spec: { ...collector.spec, env } };
    return (await ask('PUT', '/meshes/default/meshopentelemetrybackends/main', document)).body.warnings ?? [];
  };
  assert.match((await write({ mode: 'Required' })).join(), /spec.env.*no effect/);
  assert.deepEqual(await write({ mode: 'Disabled' }), []);
});
