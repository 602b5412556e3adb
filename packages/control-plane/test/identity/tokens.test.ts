import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, createSign } from 'node:crypto';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { openTokens, type TokensOptions } from '../../src/identity/tokens/tokens.ts';
import { base64, manualClock, openLiveStore } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3600;
const [firstKey, secondKey] = await Promise.all([generateSigningKey(), generateSigningKey()]);

const mesh = (name: string) => ({ type: 'Mesh', name, spec: {} });
const dataplaneKey = (meshName: string, serial: string, data: string) => ({
  type: 'Secret',
  mesh: meshName,
  name: `dataplane-token-signing-key-${meshName}-${serial}`,
  spec: { data },
});
const globalKey = (kind: string, serial: string, data: string) => ({
  type: 'GlobalSecret',
  name: `${kind}-token-signing-key-${serial}`,
  spec: { data },
});

async function setUp(options: TokensOptions = {}) {
  const store = await openLiveStore(
    mesh('default'),
    mesh('other'),
    dataplaneKey('default', '1', firstKey),
    dataplaneKey('other', '1', secondKey),
    globalKey('zone', '1', firstKey),
    globalKey('user', '1', secondKey),
  );
  const clock = manualClock(start);
  return { ...store, clock, tokens: openTokens(store.live, { clock, ...options }) };
}

function decode(token: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString());
}

function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

function signRs256(header: unknown, payload: unknown, keyData: string): string {
  const content = `${encode(header)}.${encode(payload)}`;
  const key = createPrivateKey(Buffer.from(keyData, 'base64'));
  return `${content}.${createSign('sha256').update(content).sign(key, 'base64url')}`;
}

const claims = (more: object = {}) => ({ Mesh: 'default', exp: start / 1000 + hour, jti: 'id-1', ...more });

function refused(pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MeshError, String(error));
    assert.equal(error.code, 'unauthenticated');
    assert.match(error.message, pattern);
    return true;
  };
}

test('a data plane token has the header and the claims of the reference, and verifies', async () => {
  const { tokens } = await setUp();
  const token = await tokens.issueDataplane({
    mesh: 'default',
    name: 'web-1',
    tags: { 'kuma.io/service': ['web', 'web-admin'] },
    workload: 'web',
    validForSeconds: hour,
  });
  assert.deepEqual(decode(token, 0), { alg: 'RS256', kid: '1', typ: 'JWT' });
  const { jti, ...payload } = decode(token, 1);
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  const issued = start / 1000;
  assert.deepEqual(payload, {
    Name: 'web-1',
    Mesh: 'default',
    Tags: { 'kuma.io/service': ['web', 'web-admin'] },
    Type: '',
    Workload: 'web',
    exp: issued + hour,
    nbf: issued - 5,
    iat: issued - 5,
  });
  assert.deepEqual(await tokens.verifyDataplane(token, 'default'), {
    Mesh: 'default',
    Name: 'web-1',
    Tags: { 'kuma.io/service': ['web', 'web-admin'] },
    Workload: 'web',
    jti,
    exp: issued + hour,
    kid: '1',
  });
});

test('zone and user tokens carry their claims, and a user is in the group of the authenticated once', async () => {
  const { tokens } = await setUp();
  const zone = await tokens.issueZone({ zone: 'east', scope: ['ingress'], validForSeconds: hour });
  const { Zone, Scope } = await tokens.verifyZone(zone);
  assert.deepEqual({ Zone, Scope }, { Zone: 'east', Scope: ['ingress'] });
  const groups = ['team-a', 'mesh-system:authenticated'];
  const user = await tokens.issueUser({ name: 'jane', groups, validForSeconds: hour });
  assert.deepEqual(await tokens.verifyUser(user), { name: 'jane', groups });
});

test('the newest serial number signs, and older keys go on verifying', async () => {
  const { tokens, put } = await setUp();
  const old = await tokens.issueDataplane({ mesh: 'default', validForSeconds: hour });
  await put(dataplaneKey('default', '9', firstKey), dataplaneKey('default', '10', secondKey));
  const fresh = await tokens.issueDataplane({ mesh: 'default', validForSeconds: hour });
  assert.equal(decode(fresh, 0).kid, '10');
  assert.equal((await tokens.verifyDataplane(fresh, 'default')).kid, '10');
  assert.equal((await tokens.verifyDataplane(old, 'default')).kid, '1');
});

test('a mesh whose name ends in a number has keys of its own', async () => {
  const { tokens, put } = await setUp();
  await put(mesh('default-1'), dataplaneKey('default-1', '1', secondKey));
  const token = await tokens.issueDataplane({ mesh: 'default-1', validForSeconds: hour });
  await tokens.verifyDataplane(token, 'default-1');
  await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(/was not made by the signing key with KID 1/));
});

test('a token of another mesh, of another kind, or for no mesh at all is refused with what to do', async () => {
  const { tokens } = await setUp();
  const other = await tokens.issueDataplane({ mesh: 'other', validForSeconds: hour });
  await assert.rejects(tokens.verifyDataplane(other, 'default'), refused(/generate a new one/));
  await assert.rejects(
    tokens.verifyUser(await tokens.issueZone({ zone: 'z', scope: [], validForSeconds: hour })),
    refused(/another mesh/),
  );
  await assert.rejects(tokens.verifyDataplane(other, 'absent'), refused(/mesh "absent" does not exist/));
  const claimsOther = signRs256({ alg: 'RS256', kid: '1' }, claims({ Mesh: 'other' }), firstKey);
  await assert.rejects(tokens.verifyDataplane(claimsOther, 'default'), refused(/generate a token for mesh "default"/));
});

test('a token that is expired or not valid yet is refused with the time', async () => {
  const { tokens, clock } = await setUp();
  const token = await tokens.issueDataplane({ mesh: 'default', validForSeconds: hour });
  clock.moveTo(start - 60_000);
  await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(/not valid before 2026-11-23T11:59:55/));
  clock.moveTo(start + hour * 1000 + 1000);
  await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(/expired at 2026-11-23T13:00:00/));
});

test('hostile tokens are refused: no algorithm, the public key as a secret, keys by header, traversal, duplicates, size', async () => {
  const { tokens } = await setUp();
  const publicPem = createPublicKey(createPrivateKey(Buffer.from(firstKey, 'base64'))).export({
    type: 'spki',
    format: 'pem',
  });
  const unsigned = `${encode({ alg: 'none', kid: '1' })}.${encode(claims())}.`;
  const hmacContent = `${encode({ alg: 'HS256', kid: '1', typ: 'JWT' })}.${encode(claims())}`;
  const hmac = `${hmacContent}.${createHmac('sha256', publicPem).update(hmacContent).digest('base64url')}`;
  const foreignKey = createPublicKey(createPrivateKey(Buffer.from(secondKey, 'base64'))).export({ format: 'jwk' });
  const rs256 = (header: object, payload: unknown = claims(), key = firstKey) =>
    signRs256({ alg: 'RS256', ...header }, payload, key);
  const cases: readonly (readonly [string, RegExp])[] = [
    [unsigned, /RS256/],
    [hmac, /RS256/],
    [
      rs256({ kid: '1', jwk: foreignKey, jku: 'http://127.0.0.1/keys' }, claims(), secondKey),
      /was not made by the signing key/,
    ],
    [rs256({}), /no "kid"/],
    [
      rs256({ kid: '2' }),
      /signing key with KID 2 not found: there is no Secret "dataplane-token-signing-key-default-2"/,
    ],
    [rs256({ kid: '../../other/1' }), /KID \.\.\/\.\.\/other\/1 not found/],
    [rs256({ kid: '__proto__' }), /not found/],
    [rs256({ kid: 'x'.repeat(5000) }), /not found/],
    [
      rs256({ kid: '1' }, `{"Mesh":"other","Mesh":"default","exp":${start / 1000 + hour},"jti":"a"}`),
      /the key "Mesh" is given twice/,
    ],
    [
      rs256({ kid: '1' }, `{"Mesh":"other","M\\u0065sh":"default","exp":${start / 1000 + hour},"jti":"a"}`),
      /the key "Mesh" is given twice/,
    ],
    [rs256({ kid: '1' }, claims({ exp: undefined })), /"exp"/],
    [rs256({ kid: '1' }, claims({ jti: undefined })), /"jti"/],
    [rs256({ kid: '1' }, claims({ Tags: 'web' })), /claim Tags/],
    [rs256({ kid: '1', crit: ['x'], x: 1 }), /not a well-formed JWT/],
    ['x'.repeat(1024 * 1024), /has 1048576 bytes, at most 16384/],
    ['not a token', /not a JWT/],
    ['..', /not a well-formed JWT/],
    [`${encode('[[[[')}.${encode('{{{{')}.AA`, /not a well-formed JWT/],
  ];
  for (const [token, pattern] of cases)
    await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(pattern));
});

test('a revoked token and one whose key was removed are refused at once', async () => {
  const { tokens, put, remove } = await setUp();
  const token = await tokens.issueDataplane({ mesh: 'default', validForSeconds: hour });
  const { jti } = await tokens.verifyDataplane(token, 'default');
  const list = { type: 'Secret', mesh: 'default', name: 'dataplane-token-revocations-default' };
  await put({ ...list, spec: { data: base64(`some-id, ${jti}\n`) } });
  await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(/is revoked/));
  await remove('Secret', 'default', list.name);
  await tokens.verifyDataplane(token, 'default');
  await remove('Secret', 'default', 'dataplane-token-signing-key-default-1');
  await assert.rejects(tokens.verifyDataplane(token, 'default'), refused(/KID 1 not found/));
  await assert.rejects(
    tokens.issueDataplane({ mesh: 'default', validForSeconds: hour }),
    /kumactl generate signing-key/,
  );
});

test('holders of a token hear once of its revocation, the removal of its key, and its expiry', async () => {
  const { tokens, put, remove, clock } = await setUp();
  const heard: string[] = [];
  const hold = async (name: string, validForSeconds: number) => {
    const token = await tokens.issueDataplane({ mesh: 'default', name, validForSeconds });
    const verified = await tokens.verifyDataplane(token, 'default');
    return {
      verified,
      watch: tokens.watch('dataplane', verified, (reason) => heard.push(`${name}: ${reason.split(';')[0]}`)),
    };
  };
  const revoked = await hold('revoked', hour);
  await hold('short', hour);
  await hold('long', 2 * hour);
  const gone = await hold('gone', hour);
  gone.watch.stop();
  await put({
    type: 'Secret',
    mesh: 'default',
    name: 'dataplane-token-revocations-default',
    spec: { data: base64(revoked.verified.jti) },
  });
  assert.deepEqual(heard.splice(0), [`revoked: token ${revoked.verified.jti} is revoked`]);
  assert.equal(clock.timers(), 1);
  clock.moveTo(start + hour * 1000);
  assert.deepEqual(heard.splice(0), ['short: token has expired']);
  await put(dataplaneKey('default', '2', secondKey));
  assert.deepEqual(heard, []);
  await remove('Secret', 'default', 'dataplane-token-signing-key-default-1');
  assert.deepEqual(heard.splice(0), ['long: the signing key with KID 1 was removed']);
  clock.moveTo(start + 3 * hour * 1000);
  assert.deepEqual(heard, []);
});

test('a token that was revoked while its stream opened closes it at once', async () => {
  const { tokens, put } = await setUp();
  const verified = await tokens.verifyZone(await tokens.issueZone({ zone: 'z', scope: [], validForSeconds: hour }));
  await put({ type: 'GlobalSecret', name: 'zone-token-revocations', spec: { data: base64(verified.jti) } });
  const heard: string[] = [];
  tokens.watch('zone', verified, (reason) => heard.push(reason));
  assert.equal(heard.length, 1);
});

test('a configured public key verifies tokens that were issued elsewhere, and needs no secret', async () => {
  const elsewhere = await openLiveStore(
    mesh('default'),
    dataplaneKey('default', 'ci', secondKey),
    dataplaneKey('default', '7', secondKey),
  );
  const token = await openTokens(elsewhere.live, { clock: manualClock(start) }).issueDataplane({
    mesh: 'default',
    validForSeconds: hour,
  });
  const key = createPublicKey(createPrivateKey(Buffer.from(secondKey, 'base64')))
    .export({ type: 'spki', format: 'pem' })
    .toString();
  const publicKeys = [{ kind: 'dataplane' as const, kid: '7', mesh: 'default', key }];
  const { tokens } = await setUp({ publicKeys, withoutSecrets: ['dataplane'] });
  assert.equal((await tokens.verifyDataplane(token, 'default')).kid, '7');
  const own = await tokens.issueDataplane({ mesh: 'default', validForSeconds: hour });
  await assert.rejects(tokens.verifyDataplane(own, 'default'), refused(/KID 1 not found/));
  await assert.rejects(
    setUp({ publicKeys: [{ kind: 'user', kid: '7', mesh: '', key: 'no key' }] }),
    /expected an RSA public key in PEM/,
  );
});

test('a broken signing key is named and never quoted', async () => {
  const { tokens, put } = await setUp();
  await put(
    dataplaneKey(
      'default',
      '2',
      base64('-----BEGIN RSA PRIVATE KEY-----\nsecret stuff\n-----END RSA PRIVATE KEY-----'),
    ),
  );
  await assert.rejects(tokens.issueDataplane({ mesh: 'default', validForSeconds: hour }), (error: Error) => {
    assert.match(error.message, /"dataplane-token-signing-key-default-2" holds no RSA private key/);
    assert.doesNotMatch(error.message, /secret stuff/);
    return true;
  });
});
