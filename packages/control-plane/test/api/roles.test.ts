// Role-based access control over the API: what the stored roles grant, and what those hear who may not.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { defaultRoles, makeDefaultRoles } from '../../src/identity/roles/make-default-roles.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { openApiFixture } from './api-fixture.ts';
import { dataplaneDocument, openWithMeshes, timeoutDocument } from './documents.ts';

const key = await generateSigningKey();

/** An API with roles; `bindings` are names of groups by role. */
async function openWithRoles(
  context: TestContext,
  roles: Readonly<Record<string, readonly unknown[]>>,
  settings: Readonly<Record<string, unknown>> = {},
) {
  const fixture = openApiFixture({ 'access.type': 'rbac', 'apiServer.authn.localhostIsAdmin': false, ...settings });
  context.after(() => fixture.app.close());
  await makeDefaultRoles(fixture.store);
  await openWithMeshes(fixture, 'default', 'other');
  const spec = { data: key };
  const secret = { type: 'GlobalSecret', mesh: '', name: 'user-token-signing-key-1', labels: {}, spec };
  const meshSecret = { ...secret, type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1' };
  await fixture.store.write([secret, meshSecret].map((resource) => ({ kind: 'put', resource })));
  const tokenOf = async (name: string) => {
    const token = await fixture.options.tokens.issueUser({ name, groups: [name], validForSeconds: 60 });
    return { authorization: `Bearer ${token}` };
  };
  const admin = await tokenOf('mesh-system:admin');
  const put = async (document: { readonly type: string; readonly name: string }) => {
    const path = { AccessRole: 'accessroles', AccessRoleBinding: 'accessrolebindings' }[document.type];
    const { status, text } = await fixture.ask('PUT', `/${path}/${document.name}`, document, admin);
    assert.ok(status === 200 || status === 201, text);
  };
  for (const [name, rules] of Object.entries(roles)) {
    await put({ type: 'AccessRole', name, rules } as { type: string; name: string });
    const subjects = [{ type: 'Group', name }];
    await put({ type: 'AccessRoleBinding', name, subjects, roles: [name] } as { type: string; name: string });
  }
  // Last: from here on only the administrator has everything.
  const subjects = [{ type: 'Group', name: 'mesh-system:admin' }];
  await put({ type: 'AccessRoleBinding', name: 'default', subjects, roles: ['admin'] } as {
    type: string;
    name: string;
  });
  return { ...fixture, admin, tokenOf };
}

test('at first everybody may do everything, as the default binding says, and may not once it is narrowed', async (context) => {
  const fixture = openApiFixture({ 'access.type': 'rbac', 'apiServer.authn.localhostIsAdmin': false });
  context.after(() => fixture.app.close());
  assert.equal((await fixture.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' })).status, 403);
  await makeDefaultRoles(fixture.store);
  assert.equal((await fixture.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' })).status, 201);
  const binding = await fixture.ask('GET', '/accessrolebindings/default');
  assert.deepEqual(binding.body.subjects, [
    { type: 'Group', name: 'mesh-system:authenticated' },
    { type: 'Group', name: 'mesh-system:unauthenticated' },
  ]);
  const narrow = { type: 'AccessRoleBinding', name: 'default', roles: ['admin'] };
  const subjects = [{ type: 'User', name: 'ann' }];
  assert.equal((await fixture.ask('PUT', '/accessrolebindings/default', { ...narrow, subjects })).status, 200);
  assert.equal((await fixture.ask('DELETE', '/meshes/default')).status, 403);
});

test('deleted default roles do not come back', async (context) => {
  const fixture = openApiFixture({ 'access.type': 'rbac' });
  context.after(() => fixture.app.close());
  await makeDefaultRoles(fixture.store);
  await fixture.store.write(defaultRoles.map((role) => ({ kind: 'delete', key: role })));
  await makeDefaultRoles(fixture.store);
  assert.equal(fixture.live.list('AccessRole').length, 0);
});

test('a refusal has the form of all errors, and names what is missing and who can grant it', async (context) => {
  const { ask, tokenOf } = await openWithRoles(context, {});
  const { status, body } = await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument(), await tokenOf('jane'));
  const detail =
    'user "jane" (groups: jane, mesh-system:authenticated) has no role that grants CREATE of MeshTimeout "a" in mesh "default" as it is; group "mesh-system:admin" can bind a role that grants it';
  assert.equal(status, 403);
  assert.deepEqual(body, { type: '/std-errors', status: 403, title: 'Access Denied', detail, details: detail });
});

test('where nobody can grant anything any more, the way back in is named', async (context) => {
  const { ask, admin } = await openWithRoles(context, {});
  assert.equal((await ask('DELETE', '/accessrolebindings/default', undefined, admin)).status, 200);
  const { status, body } = await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument(), admin);
  assert.equal(status, 403);
  assert.match(body.detail, /KUMA_ACCESS_TYPE=static/);
});

test('static access is the way back in: the lists decide, whatever the roles say', async (context) => {
  const { store } = await openWithRoles(context, {});
  const fixture = openApiFixture();
  context.after(() => fixture.app.close());
  // What is stored is the same; the process is another one, with another setting.
  await store.write([]);
  const role = {
    type: 'AccessRoleBinding',
    name: 'default',
    subjects: [{ type: 'User', name: 'x' }],
    roles: ['admin'],
  };
  assert.equal((await fixture.ask('PUT', '/accessrolebindings/default', role)).status, 201);
  const stranger = { 'x-forwarded-for': '192.0.2.1' };
  assert.equal((await fixture.ask('PUT', '/accessrolebindings/default', role, stranger)).status, 403);
  assert.equal((await fixture.ask('GET', '/accessroles', undefined, stranger)).status, 403);
});

test('an owner of a service writes policies about it, by PUT, by apply and by diff alike', async (context) => {
  const rules = [
    {
      mesh: 'default',
      types: ['MeshTimeout'],
      access: ['CREATE', 'UPDATE', 'DELETE'],
      when: [{ targetRef: { kind: 'Mesh' }, to: { targetRef: { kind: 'MeshService', name: 'backend' } } }],
    },
    { mesh: 'default', access: ['VIEW_CONFIG_DUMP'] },
  ];
  const { ask, admin, tokenOf } = await openWithRoles(context, { owners: rules });
  const owner = await tokenOf('owners');
  const policy = (name: string, to: string, mesh = 'default') => ({
    type: 'MeshTimeout',
    mesh,
    name,
    spec: { to: [{ targetRef: { kind: 'MeshService', name: to }, default: { connectionTimeout: '3s' } }] },
  });
  const path = '/meshes/default/meshtimeouts/a';
  assert.equal((await ask('PUT', path, policy('a', 'backend'), owner)).status, 201);
  assert.equal((await ask('PUT', path, policy('a', 'frontend'), owner)).status, 403, 'about another service');
  assert.equal((await ask('PUT', '/meshes/other/meshtimeouts/a', policy('a', 'backend', 'other'), owner)).status, 403);
  assert.equal((await ask('PUT', '/meshes/default/meshtimeouts/b', policy('b', 'frontend'), admin)).status, 201);
  assert.equal((await ask('DELETE', '/meshes/default/meshtimeouts/b', undefined, owner)).status, 403);
  const takeOver = await ask('PUT', '/meshes/default/meshtimeouts/b', policy('b', 'backend'), owner);
  assert.equal(takeOver.status, 403);
  assert.match(
    takeOver.body.detail,
    /UPDATE of MeshTimeout "b" in mesh "default", as it is stored and as it is written/,
  );
  for (const target of ['/_apply', '/_diff']) {
    const good = await ask('POST', target, { resources: [policy('a', 'backend')] }, owner);
    assert.equal(good.status, 200, `${target}: ${good.text}`);
    const mixed = await ask('POST', target, { resources: [policy('a', 'backend'), policy('b', 'backend')] }, owner);
    assert.equal(mixed.status, 403, `${target}: ${mixed.text}`);
    assert.match(mixed.body.detail, /^resources\[1\]: /);
  }
  const deletion = { deletions: [{ type: 'MeshTimeout', mesh: 'default', name: 'b' }] };
  assert.equal((await ask('POST', '/_diff', deletion, owner)).status, 403);
  assert.equal((await ask('DELETE', path, undefined, owner)).status, 200);
});

test('the right to create is not the right to replace', async (context) => {
  const { ask, tokenOf } = await openWithRoles(context, { makers: [{ mesh: 'default', access: ['CREATE'] }] });
  const maker = await tokenOf('makers');
  const path = '/meshes/default/dataplanes/web';
  assert.equal((await ask('PUT', path, dataplaneDocument('web'), maker)).status, 201);
  assert.equal((await ask('PUT', path, dataplaneDocument('web'), maker)).status, 403);
  assert.equal((await ask('DELETE', path, undefined, maker)).status, 403);
});

test('what is stored at the moment of the write decides, not what was there before', async (context) => {
  const { manager, tokenOf, options } = await openWithRoles(context, { makers: [{ access: ['CREATE'] }] });
  await tokenOf('makers');
  const user = { name: 'x', groups: ['makers'] };
  const draft = { type: 'MeshRetry', mesh: 'default', name: 'r', labels: {}, spec: {} };
  const type = { name: 'MeshRetry', scope: 'Mesh' } as const;
  const put = () =>
    manager.put(draft, undefined, (before, after) =>
      options.access.requireWrite(user, { type, mesh: 'default', name: 'r', before, after }),
    );
  const [first, second] = await Promise.allSettled([put(), put()]);
  assert.deepEqual([first?.status, second?.status], ['fulfilled', 'rejected']);
});

test('keys are read by whoever may replace them, and never by strangers', async (context) => {
  const rules = { 'secret-keepers': [{ mesh: 'default', types: ['Secret'], access: ['UPDATE'] }] };
  const { ask, tokenOf, store } = await openWithRoles(context, rules);
  const keeper = await tokenOf('secret-keepers');
  const one = '/meshes/default/secrets/dataplane-token-signing-key-default-1';
  assert.equal((await ask('GET', one, undefined, keeper)).status, 200);
  assert.equal((await ask('GET', '/meshes/default/secrets', undefined, keeper)).status, 200);
  assert.equal((await ask('GET', '/meshes/other/secrets', undefined, keeper)).status, 403);
  assert.equal((await ask('GET', '/secrets', undefined, keeper)).status, 403);
  assert.equal((await ask('GET', '/globalsecrets', undefined, keeper)).status, 403);
  assert.equal((await ask('GET', one, undefined, await tokenOf('jane'))).status, 403);
  await store.write(defaultRoles.map((resource) => ({ kind: 'put', resource })));
  const stranger = await ask('GET', one);
  assert.equal(stranger.status, 403, 'though strangers have the role of administrators again');
  assert.match(stranger.body.detail, /authenticate/);
});

test('tokens are issued for what a role names', async (context) => {
  const when = [{ dpToken: { tags: [{ name: 'kuma.io/service', value: 'web' }] } }];
  const rules = {
    'token-makers': [{ mesh: 'default', access: ['GENERATE_DATAPLANE_TOKEN'], when }],
    'zone-makers': [{ access: ['GENERATE_ZONE_CP_TOKEN'] }],
  };
  const { ask, tokenOf } = await openWithRoles(context, rules);
  const maker = await tokenOf('token-makers');
  const body = { mesh: 'default', tags: { 'kuma.io/service': ['web'] }, validFor: '1h' };
  assert.equal((await ask('POST', '/tokens/dataplane', body, maker)).status, 200);
  assert.equal((await ask('POST', '/tokens/dataplane', { ...body, tags: {} }, maker)).status, 403);
  const more = { ...body, tags: { 'kuma.io/service': ['web', 'backend'] } };
  assert.equal((await ask('POST', '/tokens/dataplane', more, maker)).status, 403);
  const user = await ask('POST', '/tokens/user', { name: 'x', validFor: '1h' }, maker);
  assert.match(user.body.detail, /GENERATE_USER_TOKEN for "x"/);
  const zones = await tokenOf('zone-makers');
  const zone = (scope: readonly string[]) =>
    ask('POST', '/tokens/zone', { zone: 'east', scope, validFor: '1h' }, zones);
  // Without a signing key for zones who may is told that there is none.
  assert.equal((await zone(['cp'])).status, 503);
  assert.equal((await zone(['cp', 'ingress'])).status, 403);
  assert.equal((await zone(['egress'])).status, 403);
});

test('a role that cannot work is refused, with the place of each mistake', async (context) => {
  const { ask, admin } = await openWithRoles(context, {});
  const rules = [
    { types: ['MeshTimout', 'Zone'], access: ['CREATE'] },
    { types: ['Zone'], mesh: 'default', access: ['CREATE'] },
  ];
  const typed = await ask('PUT', '/accessroles/r', { type: 'AccessRole', name: 'r', rules }, admin);
  assert.equal(typed.status, 400, typed.text);
  assert.deepEqual(
    typed.body.invalid_parameters.map(({ field }: { field: string }) => field),
    ['rules[0].types[0]', 'rules[1].mesh'],
  );
  assert.match(typed.body.invalid_parameters[0].reason, /MeshTimeout/);
  const shaped = await ask(
    'PUT',
    '/accessroles/r',
    {
      type: 'AccessRole',
      name: 'r',
      rules: [{ access: [] }, { access: ['CREATE'], when: [{}, { targetRef: {} }, { sources: { match: {} } }] }],
    },
    admin,
  );
  assert.deepEqual(
    shaped.body.invalid_parameters.map(({ field }: { field: string }) => field),
    ['rules[0].access', 'rules[1].when[0]', 'rules[1].when[1].targetRef.kind', 'rules[1].when[2].sources.match'],
  );
  const verb = await ask(
    'PUT',
    '/accessroles/r',
    { type: 'AccessRole', name: 'r', rules: [{ access: ['FLY'] }] },
    admin,
  );
  assert.equal(verb.body.invalid_parameters[0].field, 'rules[0].access[0]');
  const binding = { type: 'AccessRoleBinding', name: 'b', subjects: [{ name: 'x' }], roles: [] };
  const bound = await ask('PUT', '/accessrolebindings/b', binding, admin);
  assert.deepEqual(
    bound.body.invalid_parameters.map(({ field }: { field: string }) => field),
    ['roles', 'subjects[0].type'],
  );
});

test('who may write roles everywhere can change them; who may write a mesh cannot', async (context) => {
  const { ask, tokenOf } = await openWithRoles(context, {
    owners: [{ mesh: 'default', access: ['CREATE', 'UPDATE'] }],
  });
  const owner = await tokenOf('owners');
  const mine = {
    type: 'AccessRoleBinding',
    name: 'mine',
    subjects: [{ type: 'Group', name: 'owners' }],
    roles: ['admin'],
  };
  assert.equal((await ask('PUT', '/accessrolebindings/mine', mine, owner)).status, 403);
  assert.equal((await ask('POST', '/_apply', { resources: [mine] }, owner)).status, 403);
});
