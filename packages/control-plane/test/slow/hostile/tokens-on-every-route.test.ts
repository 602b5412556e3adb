// Every route of the API times every kind of token: a named status, no bug, nothing that only the administrator may know.
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { generateSigningKey } from '../../../src/identity/tokens/signing-key.ts';
import { openTokens } from '../../../src/identity/tokens/tokens.ts';
import { openApiFixture } from '../../api/api-fixture.ts';
import { dataplaneDocument, openWithMeshes, timeoutDocument } from '../../api/documents.ts';
import { manualClock } from '../../identity/live-store.ts';
import { filled, routesOf } from './every-route.ts';

const [key, meshKey, foreignKey] = await Promise.all([1, 2, 3].map(() => generateSigningKey()));
const canary = 'canary-of-a-secret';

async function openFilled() {
  const fixture = await openWithMeshes(openApiFixture(), 'default');
  const secret = (type: string, mesh: string, name: string, data = key) => ({
    kind: 'put' as const,
    resource: { type, mesh, name, labels: {}, spec: { data } },
  });
  await fixture.store.write([
    secret('GlobalSecret', '', 'user-token-signing-key-1'),
    // The same key on purpose: what a token is for must not hang on its key alone.
    secret('GlobalSecret', '', 'zone-token-signing-key-1'),
    secret('Secret', 'default', 'dataplane-token-signing-key-default-1', meshKey),
    secret('Secret', 'default', 'a', Buffer.from(canary).toString('base64')),
    secret('GlobalSecret', '', 'a', Buffer.from(canary).toString('base64')),
  ]);
  await fixture.ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument());
  await fixture.ask('PUT', '/meshes/default/dataplanes/a', dataplaneDocument('a'));
  return fixture;
}

type Fixture = Awaited<ReturnType<typeof openFilled>>;

const encode = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Tokens that do not hold. */
async function badTokens({ live, options, store }: Fixture): Promise<Readonly<Record<string, string>>> {
  const good = { name: 'mesh-system:admin', groups: ['mesh-system:admin'], validForSeconds: 3600 };
  const valid = await options.tokens.issueUser(good);
  const [header = '', claims = '', signature = ''] = valid.split('.');
  const privateKey = createPrivateKey(Buffer.from(key ?? '', 'base64'));
  const publicKey = createPublicKey(privateKey);
  const payload = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  const signed = (changes: object, head: object = {}, signer = privateKey): Promise<string> =>
    new SignJWT({ ...payload, jti: 'other', ...changes })
      .setProtectedHeader({ alg: 'RS256', kid: '1', typ: 'JWT', ...head })
      .sign(signer);
  const hmac = (secret: string): string => {
    const text = `${encode({ alg: 'HS256', kid: '1', typ: 'JWT' })}.${claims}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const clock = (offset: number) => openTokens(live, { clock: manualClock(Date.now() + offset) });
  const revoked = await options.tokens.issueUser(good);
  const { jti } = JSON.parse(Buffer.from(revoked.split('.')[1] ?? '', 'base64url').toString());
  await store.write([
    {
      kind: 'put',
      resource: {
        type: 'GlobalSecret',
        mesh: '',
        name: 'user-token-revocations',
        labels: {},
        spec: { data: Buffer.from(jti).toString('base64') },
      },
    },
  ]);
  const now = Math.floor(Date.now() / 1000);
  return {
    expired: await clock(-7_200_000).issueUser(good),
    'not yet valid': await signed({ nbf: now + 3600 }),
    'without an end': await signed({ exp: undefined }),
    revoked,
    'of a foreign key': await signed({}, {}, createPrivateKey(Buffer.from(foreignKey ?? '', 'base64'))),
    'of no algorithm': `${encode({ alg: 'none', kid: '1', typ: 'JWT' })}.${claims}.`,
    'of no algorithm, in capitals': `${encode({ alg: 'NONE', kid: '1' })}.${claims}.${signature}`,
    'HS256 with the public key': hmac(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    'HS256 with the public key as DER': hmac(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1')),
    'HS256 with nothing': hmac(''),
    'of another RSA algorithm': await signed({}, { alg: 'PS256' }),
    'without kid': await signed({}, { kid: undefined }),
    'kid that climbs': await signed({}, { kid: '../../user-token-signing-key-1' }),
    'kid that is SQL': await signed({}, { kid: "1' or '1'='1" }),
    'kid of the prototype': await signed({}, { kid: '__proto__' }),
    'kid of another secret': await signed({}, { kid: 'a' }),
    'that names where its key is': await signed(
      {},
      { kid: '2', jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/' },
    ),
    'that brings its key': await signed({}, { kid: '2', jwk: publicKey.export({ format: 'jwk' }) }),
    'critical header': await signed({}, { crit: ['exp'] }).catch(
      () => `${encode({ alg: 'RS256', kid: '1', crit: ['x'], x: 1 })}.${claims}.${signature}`,
    ),
    'claims given twice': `${header}.${encode(`{"Name":"a","Name":"mesh-system:admin",${JSON.stringify(payload).slice(1)}`)}.${signature}`,
    'changed claims': `${header}.${encode({ ...payload, Name: 'somebody-else' })}.${signature}`,
    'name that is no text': await signed({ Name: { toString: 'x' } }),
    'groups that are no list': await signed({ Groups: 'mesh-system:admin' }),
    'of a data plane': await options.tokens.issueDataplane({ mesh: 'default', name: 'a', validForSeconds: 3600 }),
    'of a zone, of the same key': await options.tokens.issueZone({
      zone: 'a',
      scope: ['ingress'],
      validForSeconds: 3600,
    }),
    'of a data plane, of the same key': await signed({ Mesh: 'default', Type: 'dataplane' }),
    'of nobody': await signed({ Name: '' }),
    'of a megabyte': `${header}.${'A'.repeat(1024 * 1024)}.${signature}`,
    'a megabyte of dots': '.'.repeat(1024 * 1024),
    'no token at all': 'x',
  };
}

const remote = (token: string | undefined) => ({
  'x-forwarded-for': '192.0.2.1',
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});
/** What nobody but the administrator may see, wherever it comes from. */
const secrets = [canary, Buffer.from(canary).toString('base64'), key?.slice(0, 40), meshKey?.slice(0, 40)] as string[];
const named = new Set([200, 201, 307, 400, 401, 403, 404, 405, 409, 412, 413, 415, 501, 503]);

test('a token that does not hold is answered 401 on every route, and does nothing', async () => {
  const fixture = await openFilled();
  const tokens = await badTokens(fixture);
  const revision = fixture.store.revision();
  let asked = 0;
  const routes = routesOf(fixture);
  for (const [what, token] of Object.entries(tokens)) {
    // A megabyte is refused before anything else is looked at; a tenth of the routes is enough of them.
    for (const route of token.length > 100_000 ? routes.filter((_, index) => index % 10 === 0) : routes) {
      const hasBody = route.method === 'PUT' || route.method === 'POST';
      const answer = await fixture.ask(route.method, filled(route), hasBody ? {} : undefined, remote(token));
      assert.deepEqual(
        [answer.status, answer.body?.title],
        [401, 'Could not authenticate'],
        `${what}: ${route.method} ${route.path}`,
      );
      assert.ok(answer.text.length < 2_000, `${what}: the answer repeats what was sent`);
      assert.ok(!secrets.some((secret) => answer.text.includes(secret)), what);
      asked += 1;
    }
  }
  assert.equal(fixture.store.revision(), revision);
  assert.deepEqual(fixture.bugs, []);
  console.log(`${asked} requests with ${Object.keys(tokens).length} tokens that do not hold`);
  assert.ok(asked > 20 * routes.length, `${asked}`);
});

test('without a token, or as a user without groups, every route has a named answer and no secret in it', async () => {
  const fixture = await openFilled();
  const jane = await fixture.options.tokens.issueUser({ name: 'jane', groups: [], validForSeconds: 3600 });
  const forged = await fixture.options.tokens.issueUser({
    name: 'mesh-system:anonymous',
    groups: ['mesh-system:unauthenticated'],
    validForSeconds: 3600,
  });
  const guarded = /secret|^\/tokens\//;
  for (const token of [undefined, jane, forged]) {
    for (const route of routesOf(fixture)) {
      for (const body of route.method === 'PUT' || route.method === 'POST' ? [{}, [], 'null', ''] : [undefined]) {
        const answer = await fixture.ask(route.method, filled(route), body, remote(token));
        const what = `${route.method} ${route.path}: ${answer.status} ${answer.text.slice(0, 200)}`;
        assert.ok(named.has(answer.status), what);
        assert.ok(!secrets.some((secret) => answer.text.includes(secret)), what);
        // A body that is no document is refused before anybody is asked who writes it.
        const refusals = body === undefined ? [403] : [403, 400];
        if (guarded.test(route.path)) assert.ok(refusals.includes(answer.status), what);
      }
    }
  }
  assert.deepEqual(fixture.bugs, []);
  for (const [type, mesh] of [
    ['Secret', 'default'],
    ['GlobalSecret', ''],
  ] as const) {
    assert.notEqual(fixture.live.get({ type, mesh, name: 'a' }), undefined, 'the secrets are all there');
  }
});
