// `kumactl lint --against`: files are judged among the resources of a control plane.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openControlPlaneStub } from './control-plane-stub.ts';

const dataplane = (name: string, app: string) => ({
  type: 'Dataplane',
  mesh: 'default',
  name,
  labels: { app },
  networking: {
    address: '192.0.2.1',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': app, 'kuma.io/protocol': 'http' } }],
  },
});
const stored: Readonly<Record<string, readonly object[]>> = {
  '/meshes': [{ type: 'Mesh', name: 'default', creationTime: '2026-01-01T00:00:00Z' }],
  '/meshes/default/dataplanes': [dataplane('web-1', 'web'), dataplane('api-1', 'api')],
  '/meshes/default/meshtimeouts': [
    {
      type: 'MeshTimeout',
      mesh: 'default',
      name: 'forgotten',
      spec: {
        targetRef: { kind: 'Dataplane', labels: { app: 'gone' } },
        to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '1s' } }],
      },
    },
  ],
};
const types = ['Mesh', 'Dataplane', 'MeshTimeout', 'MeshService', 'MeshHTTPRoute'];
const json = (body: unknown) => ({ status: 200, body });
const controlPlane = await openControlPlaneStub(({ url }) => {
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === '/config') return json({ mode: 'zone', multizone: { zone: { name: 'zone-1' } } });
  if (pathname === '/_resources') return json({ resources: types.map((name) => ({ name })) });
  const items = stored[pathname] ?? [];
  return json({ items, total: items.length, next: null });
});
after(() => controlPlane.close());

const file = join(controlPlane.folder, 'timeout.yaml');
const timeout = (app: string) => `type: MeshTimeout
mesh: default
name: slow
spec:
  targetRef: {kind: Dataplane, labels: {app: ${app}}}
  to:
    - targetRef: {kind: Mesh}
      default: {connectionTimeout: 3s}
`;

test('what a file refers to is looked for among what is stored', async () => {
  writeFileSync(file, timeout('wbe'));
  const alone = await controlPlane.run(['lint', file]);
  assert.equal(alone.code, 0, 'without a Mesh the file alone is fine');
  const { code, stdout } = await controlPlane.run(['lint', file, '--against', 'server']);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /timeout\.yaml:5:\d+: \w+ [\w-]+: MeshTimeout slow selects no proxy of the mesh default/);
  assert.doesNotMatch(stdout, /forgotten/, 'what was wrong before is not part of the change');
  writeFileSync(file, timeout('web'));
  const right = await controlPlane.run(['lint', file, '--against', 'stub']);
  assert.equal(right.code, 0, right.stdout);
});

test('a mesh that is not stored is missing', async () => {
  writeFileSync(file, timeout('web').replace('mesh: default', 'mesh: other'));
  const { code, stdout } = await controlPlane.run(['lint', file, '--against', 'server']);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /mesh-missing: MeshTimeout slow is in the mesh other, which does not exist \(there are: default\)/,
  );
});

test('nothing but reads is sent', () => {
  assert.ok(controlPlane.requests.length > 0);
  assert.deepEqual([...new Set(controlPlane.requests.map(({ method }) => method))], ['GET']);
});
