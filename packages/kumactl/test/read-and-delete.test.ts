// `kumactl get`, `delete` and `version`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { policyResourceTypes } from '@ursa/policies';
import { accessResourceTypes, coreResourceTypes } from '@ursa/resources';
import { version } from '../src/commands/version.ts';
import { typeHandles } from '../src/type-handles.ts';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';

const mesh = { type: 'Mesh', name: 'one', creationTime: '2026-11-23T11:59:55Z', mtls: {} };
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(({ method, url }) => {
    if (method === 'DELETE') return url.endsWith('/none') ? { status: 404, body: { title: 'Not there' } } : {};
    if (url === '/') return { body: { product: 'Ursa', version: '9.9.9' } };
    if (url === '/meshes/one') return { body: mesh };
    return { body: { total: 3, items: [mesh], next: 'http://elsewhere/meshes?offset=1&size=1' } };
  });
});
after(() => stub.close());

test('a list is printed as a table, with how to go on', async () => {
  const { stdout } = await stub.run(['get', 'meshes', '--size', '1', '--offset', '0']);
  assert.equal(
    stdout,
    'NAME   mTLS   LOCALITY   ZONEEGRESS   AGE\none    off    off        off          5s\n\n' +
      'Rerun command with --offset=1 argument to retrieve more resources\n',
  );
  assert.equal(stub.requests.at(-1)?.url, '/meshes?size=1&offset=0');
});

test('one resource is printed as YAML or JSON', async () => {
  const { stdout } = await stub.run(['get', 'mesh', 'one', '-oyaml']);
  assert.equal(stdout, 'creationTime: "2026-11-23T11:59:55Z"\nname: one\ntype: Mesh\nmtls: {}\n');
  assert.deepEqual(JSON.parse((await stub.run(['get', 'm', 'one', '-o', 'json'])).stdout), mesh);
});

test('any name of a type will do, and the mesh is that of the flag', async () => {
  for (const word of ['meshtimeouts', 'meshtimeout', 'MeshTimeout', 'mt', 'mesh-timeouts']) {
    await stub.run(['get', word, '-m', 'demo']);
    assert.equal(stub.requests.at(-1)?.url, '/meshes/demo/meshtimeouts', word);
  }
});

test('names go into paths escaped', async () => {
  await stub.run(['delete', 'mt', '../../meshes/one']);
  assert.equal(stub.requests.at(-1)?.url, '/meshes/default/meshtimeouts/..%2F..%2Fmeshes%2Fone');
});

test('delete says what it deleted, or why it did not', async () => {
  assert.equal((await stub.run(['delete', 'mt', 'slow'])).stdout, 'deleted MeshTimeout "slow"\n');
  const { code, stdout, stderr } = await stub.run(['delete', 'mt', 'none']);
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 1, stdout: '', stderr: 'Error: Not there: DELETE /meshes/default/meshtimeouts/none\n' },
  );
});

const wrongUsage: readonly [args: readonly string[], code: number, error: RegExp][] = [
  [['get'], 2, /missing required argument 'type'/],
  [['get', 'meshes', '-o', 'xml'], 2, /'xml' is invalid\. Allowed choices are table, yaml, json/],
  [['get', 'meshes', '--size', 'many'], 2, /Expected a whole number, 1 or more/],
  [['get', 'meshes', '--offset=-1'], 2, /Expected a whole number, 0 or more/],
  [['get', 'meshes', '--api-timeout', 'soon'], 2, /Expected a duration such as 30s/],
  [['get', 'meshtimout'], 1, /unknown resource type "meshtimout"; did you mean "meshtimeouts"\?/],
  [['get', 'meshes', '--context', 'none'], 1, /there is no context "none"; there are: stub, demo/],
  [['gett', 'meshes'], 2, /unknown command 'gett'\n\(Did you mean get\?\)/],
  [['delete', 'mesh'], 2, /missing required argument 'name'/],
];

for (const [args, code, error] of wrongUsage) {
  test(`"kumactl ${args.join(' ')}" is refused in plain words`, async () => {
    const result = await stub.run(args);
    assert.deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' });
    assert.match(result.stderr, error);
  });
}

test('a mistyped flag with a value does not show the value', async () => {
  const { code, stderr } = await stub.run(['get', 'meshes', '--auth-cnf=token=hunter2']);
  assert.equal(code, 2);
  assert.match(stderr, /unknown option '--auth-cnf'/);
  assert.ok(!stderr.includes('hunter2'));
});

test("version prints ours, and the control plane's when asked", async () => {
  assert.equal((await stub.run(['version'])).stdout, `Client: Ursa ${version}\n`);
  assert.equal((await stub.run(['version', '-a'])).stdout, `Client: Ursa ${version}\nServer: Ursa 9.9.9\n`);
  const { version: released } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  assert.equal(version, released);
});

test('the types known by name are those that have schemas', () => {
  const facts = [...coreResourceTypes, ...accessResourceTypes, ...policyResourceTypes].map(
    ({ name, path, scope, shortName, policy, idle }) => ({
      name,
      path,
      scope,
      shortName,
      ...(policy === undefined ? {} : { policy: policy.isTargetRef ? 'targetRef' : 'older' }),
      // Where mTLS is missing, policies that need it warn when they are written.
      ...(idle === undefined || policy?.isTargetRef === true ? {} : { idle }),
    }),
  );
  assert.deepEqual(typeHandles.all, facts);
});
