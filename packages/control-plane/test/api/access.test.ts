// Who may do what: callers from the machine, from elsewhere, with tokens good and bad.
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { openTokens } from '../../src/identity/tokens/tokens.ts';
import { manualClock } from '../identity/live-store.ts';
import { openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

const [key, meshKey] = await Promise.all([generateSigningKey(), generateSigningKey()]);

async function openWithKeys(settings: Readonly<Record<string, unknown>> = {}) {
  const fixture = await openWithMeshes(openApiFixture(settings), 'default', 'other');
  const secret = (name: string, data = key) => ({ type: 'GlobalSecret', mesh: '', name, labels: {}, spec: { data } });
  const meshSecret = (mesh: string) => ({
    ...secret(`dataplane-token-signing-key-${mesh}-1`, meshKey),
    type: 'Secret',
    mesh,
  });
  const resources = [
    secret('user-token-signing-key-1'),
    secret('zone-token-signing-key-1'),
    meshSecret('default'),
    meshSecret('other'),
  ];
  await fixture.store.write(resources.map((resource) => ({ kind: 'put', resource })));
  const { tokens } = fixture.options;
  const adminToken = await tokens.issueUser({
    name: 'mesh-system:admin',
    groups: ['mesh-system:admin'],
    validForSeconds: 60,
  });
  const plainToken = await tokens.issueUser({ name: 'jane', groups: ['team'], validForSeconds: 60 });
  return { ...fixture, adminToken, plainToken };
}

/** Headers of a caller from elsewhere. */
const remote = (token?: string) => ({
  'x-forwarded-for': '192.0.2.1',
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

test('a process of this machine is the administrator without a token', async () => {
  const { ask } = await openWithKeys();
  assert.deepEqual((await ask('GET', '/who-am-i')).body, {
    name: 'mesh-system:admin',
    groups: ['mesh-system:admin', 'mesh-system:authenticated'],
  });
  assert.equal((await ask('GET', '/globalsecrets')).status, 200);
  const own = await ask('GET', '/who-am-i', undefined, { origin: 'http://127.0.0.1:5681' });
  assert.equal(own.body.name, 'mesh-system:admin');
});

test('a proxy, a foreign host name or a foreign page before it takes that away', async () => {
  const { ask } = await openWithKeys();
  const foreign = [
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { 'x-real-ip': '127.0.0.1' },
    { host: 'evil.example:5681' },
    { host: '127.0.0.1.evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:8080' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    assert.equal(
      (await ask('GET', '/who-am-i', undefined, headers)).body.name,
      'mesh-system:anonymous',
      JSON.stringify(headers),
    );
    const secrets = await ask('GET', '/globalsecrets', undefined, headers);
    assert.deepEqual([secrets.status, secrets.body.title], [403, 'Access Denied'], JSON.stringify(headers));
  }
});

test('localhost is nobody special when the setting says so', async () => {
  const { ask } = openApiFixture({ 'apiServer.authn.localhostIsAdmin': false });
  assert.equal((await ask('GET', '/who-am-i')).body.name, 'mesh-system:anonymous');
});

test('secrets need the administrator, to read, list, write and delete', async () => {
  const { ask, adminToken, plainToken } = await openWithKeys();
  const secret = { type: 'Secret', mesh: 'default', name: 's', data: 'dGVzdA==' };
  const one = '/meshes/default/secrets/s';
  for (const token of [undefined, plainToken]) {
    for (const [method, path, body] of [
      ['GET', '/meshes/default/secrets'],
      ['GET', '/secrets'],
      ['GET', '/globalsecrets/user-token-signing-key-1'],
      ['GET', '/global-secrets/user-token-signing-key-1'],
      ['GET', '/meshes/default/secrets/dataplane-token-signing-key-default-1'],
      ['PUT', one, secret],
      ['DELETE', one],
    ] as const) {
      const { status, text } = await ask(method, path, body, remote(token));
      assert.equal(status, 403, `${method} ${path}: ${text}`);
      assert.ok(!text.includes(key.slice(0, 20)));
    }
  }
  assert.equal((await ask('PUT', one, secret, remote(adminToken))).status, 201);
  assert.equal((await ask('GET', one, undefined, remote(adminToken))).body.data, 'dGVzdA==');
});

test('tokens that do not hold are answered 401 on every kind of route', async () => {
  const { ask, live, options, plainToken } = await openWithKeys();
  const parts = plainToken.split('.');
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const publicPem = createPublicKey(createPrivateKey(Buffer.from(key, 'base64'))).export({
    type: 'spki',
    format: 'pem',
  });
  const hmacInput = `${encode({ alg: 'HS256', kid: '1', typ: 'JWT' })}.${parts[1]}`;
  const yesterday = openTokens(live, { clock: manualClock(Date.now() - 86_400_000) });
  const expired = await yesterday.issueUser({ name: 'jane', groups: [], validForSeconds: 60 });
  const bad: Readonly<Record<string, string>> = {
    'alg none': `${encode({ alg: 'none', kid: '1' })}.${parts[1]}.`,
    'HS256 signed with the public key': `${hmacInput}.${createHmac('sha256', publicPem).update(hmacInput).digest('base64url')}`,
    expired,
    'another kind': await options.tokens.issueDataplane({ mesh: 'default', name: 'x', validForSeconds: 60 }),
    'another key': `${encode({ alg: 'RS256', kid: '../../1', typ: 'JWT' })}.${parts[1]}.${parts[2]}`,
    'changed claims': `${parts[0]}.${encode({ Name: 'mesh-system:admin', Groups: ['mesh-system:admin'] })}.${parts[2]}`,
    'no token': 'x',
    'a megabyte': 'a.'.repeat(10_000),
  };
  for (const [what, token] of Object.entries(bad)) {
    for (const [method, path] of [
      ['GET', '/meshes'],
      ['GET', '/who-am-i'],
      ['PUT', '/meshes/new'],
      ['POST', '/tokens/user'],
    ] as const) {
      const { status, body, headers } = await ask(method, path, method === 'GET' ? undefined : {}, remote(token));
      assert.deepEqual([status, body?.type], [401, '/std-errors'], `${what}: ${method} ${path}`);
      assert.equal(headers['www-authenticate'], 'Bearer');
    }
  }
  assert.equal(
    (await ask('GET', '/meshes', undefined, { ...remote(), authorization: 'Basic dXNlcjpwYXNz' })).status,
    401,
  );
});

test('a revoked token is refused from then on', async () => {
  const { ask, store, plainToken } = await openWithKeys();
  assert.equal((await ask('GET', '/who-am-i', undefined, remote(plainToken))).body.name, 'jane');
  const { jti } = JSON.parse(Buffer.from(plainToken.split('.')[1] ?? '', 'base64url').toString());
  const data = Buffer.from(jti).toString('base64');
  const resource = { type: 'GlobalSecret', mesh: '', name: 'user-token-revocations', labels: {}, spec: { data } };
  await store.write([{ kind: 'put', resource }]);
  assert.equal((await ask('GET', '/who-am-i', undefined, remote(plainToken))).status, 401);
});

test('tokens are issued as text to those who may', async () => {
  const { ask, options, adminToken, plainToken } = await openWithKeys();
  const dataplane = {
    mesh: 'default',
    name: 'web',
    tags: { 'kuma.io/service': ['web'] },
    type: 'dataplane',
    validFor: '1h',
  };
  const issued = await ask('POST', '/tokens/dataplane', dataplane, remote(adminToken));
  assert.deepEqual(
    [issued.status, issued.headers['content-type'], issued.headers['cache-control']],
    [200, 'text/plain', 'no-store'],
  );
  const claims = await options.tokens.verifyDataplane(issued.text, 'default');
  assert.deepEqual([claims.Name, claims.Mesh, claims.Tags], ['web', 'default', { 'kuma.io/service': ['web'] }]);
  assert.equal((await ask('POST', '/tokens/zone', { zone: 'east', scope: ['ingress'], validFor: '1h' })).status, 200);
  assert.equal((await ask('POST', '/tokens/user', { name: 'joe', validFor: '24h' })).status, 200);
  for (const path of ['dataplane', 'zone', 'user']) {
    const body = {
      mesh: 'default',
      zone: 'east',
      scope: ['egress'],
      name: 'joe',
      groups: ['mesh-system:admin'],
      validFor: '1h',
    };
    assert.equal((await ask('POST', `/tokens/${path}`, body, remote(plainToken))).status, 403, path);
    assert.equal((await ask('POST', `/tokens/${path}`, body, remote())).status, 403, path);
  }
});

test('a request for a token names all that is missing or wrong in it', async () => {
  const { ask } = await openWithKeys();
  const user = await ask('POST', '/tokens/user', {});
  assert.equal(user.status, 400);
  assert.deepEqual(user.body.causes, [
    { field: 'name', message: 'cannot be empty' },
    { field: 'validFor', message: 'cannot be empty' },
  ]);
  const dataplane = await ask('POST', '/tokens/dataplane', {
    mesh: 1,
    tags: { a: 'b' },
    type: 'car',
    validFor: 'soon',
  });
  assert.deepEqual(
    dataplane.body.causes.map(({ field }: { field: string }) => field),
    ['mesh', 'type', 'tags', 'validFor'],
  );
  assert.equal((await ask('POST', '/tokens/zone', { scope: ['world'], validFor: '0s' })).status, 400);
});

test('no web site may call from a browser unless it is named', async () => {
  const closed = openApiFixture();
  const preflight = { origin: 'https://gui.example', 'access-control-request-method': 'PUT' };
  assert.equal((await closed.ask('OPTIONS', '/meshes', undefined, preflight)).status, 405);
  assert.equal(
    (await closed.ask('GET', '/meshes', undefined, preflight)).headers['access-control-allow-origin'],
    undefined,
  );
  const open = openApiFixture({ 'apiServer.corsAllowedDomains': ['https://gui.example'] });
  const allowed = await open.ask('OPTIONS', '/meshes', undefined, preflight);
  assert.equal(allowed.status, 204);
  assert.match(String(allowed.headers['access-control-allow-headers']), /authorization/);
  assert.equal(
    (await open.ask('GET', '/meshes', undefined, preflight)).headers['access-control-allow-origin'],
    'https://gui.example',
  );
  const other = { ...preflight, origin: 'https://gui.example.evil' };
  assert.equal((await open.ask('GET', '/meshes', undefined, other)).headers['access-control-allow-origin'], undefined);
});
