// `kumactl export`: which resources each profile has, in which order, and without what the control plane sets itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';

const describe = (name: string, path: string, scope: string, includeInFederation: boolean, more = {}) => ({
  name,
  path,
  scope,
  shortName: '',
  includeInFederation,
  readOnly: false,
  ...more,
});
const resources = [
  describe('Dataplane', 'dataplanes', 'Mesh', false),
  describe('DataplaneInsight', 'dataplane-insights', 'Mesh', false, { readOnly: true }),
  describe('GlobalSecret', 'globalsecrets', 'Global', true),
  describe('Mesh', 'meshes', 'Global', true),
  describe('MeshTimeout', 'meshtimeouts', 'Mesh', true, { policy: { isTargetRef: true } }),
  describe('Secret', 'secrets', 'Mesh', true),
];
const named = (type: string, name: string, mesh?: string) => ({
  type,
  name,
  ...(mesh === undefined ? {} : { mesh }),
  creationTime: '2026-11-28T12:00:00Z',
  modificationTime: '2026-11-28T12:00:00Z',
});
const lists: Readonly<Record<string, readonly unknown[]>> = {
  '/meshes': [named('Mesh', 'one')],
  '/globalsecrets': [
    named('GlobalSecret', 'envoy-admin-ca'),
    named('GlobalSecret', 'user-token-signing-key-1'),
    named('GlobalSecret', 'zone-token-signing-key-1'),
  ],
  '/meshes/one/secrets': [named('Secret', 'password', 'one')],
  '/meshes/one/meshtimeouts': [named('MeshTimeout', 'first', 'one'), named('MeshTimeout', 'second', 'one')],
  '/meshes/one/dataplanes': [named('Dataplane', 'web-1', 'one')],
};

let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(({ url }) => {
    if (url === '/_resources') return { body: { resources } };
    const { pathname, searchParams } = new URL(url, 'http://stub');
    if (searchParams.get('format') === 'kubernetes') return { body: { kind: pathname.split('/').at(-1) } };
    const items = lists[pathname];
    if (items === undefined) return { status: 404, body: { title: 'Not there' } };
    // One at a time, so that the next page must be asked for.
    const offset = Number(searchParams.get('offset'));
    const next = offset + 1 < items.length ? { next: `http://stub${pathname}?offset=${offset + 1}` } : {};
    return { body: { total: items.length, items: items.slice(offset, offset + 1), ...next } };
  });
});
after(() => stub.close());

async function namesOf(...flags: readonly string[]): Promise<readonly (string | undefined)[]> {
  const { code, stdout, stderr } = await stub.run(['export', ...flags]);
  assert.equal(code, 0, stderr);
  return stdout.split('---\n').map((document) => /^name: (.*)$/m.exec(document)?.[1]);
}

test('each profile has its resources, in an order in which they can be applied', async () => {
  const zoneSecrets = ['one', 'zone-token-signing-key-1', 'password'];
  const key = 'user-token-signing-key-1';
  assert.deepEqual(await namesOf(), [...zoneSecrets, key]);
  assert.deepEqual(await namesOf('-p', 'federation-with-policies'), [...zoneSecrets, 'first', 'second', key]);
  assert.deepEqual(await namesOf('-p', 'no-dataplanes'), ['one', 'first', 'second']);
  assert.deepEqual(await namesOf('-p', 'all'), ['one', 'web-1', 'first', 'second']);
  assert.deepEqual(await namesOf('-p', 'all', '-a'), [
    'one',
    'envoy-admin-ca',
    'zone-token-signing-key-1',
    'password',
    'web-1',
    'first',
    'second',
    key,
  ]);
});

test('what the control plane sets itself is left out, and a mesh does not ask for policies again', async () => {
  const { stdout } = await stub.run(['export', '-p', 'no-dataplanes']);
  assert.ok(stdout.startsWith("name: one\ntype: Mesh\nskipCreatingInitialPolicies:\n- '*'\n---\n"), stdout);
  assert.ok(!stdout.includes('Time:'), stdout);
});

test('the form of Kubernetes is asked of the control plane', async () => {
  const { stdout } = await stub.run(['export', '-p', 'no-dataplanes', '-f', 'kubernetes']);
  assert.equal(stdout, 'kind: one\n---\nkind: first\n---\nkind: second\n');
});

test('another profile is a wrong usage', async () => {
  const { code, stderr } = await stub.run(['export', '-p', 'some']);
  assert.equal(code, 2);
  assert.match(stderr, /all, federation, federation-with-policies, no-dataplanes/);
});
