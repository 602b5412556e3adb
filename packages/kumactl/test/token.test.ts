// `token inspect|list|revoke`: what a token says, whether it counts, and revocations that do not overwrite each other.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { openControlPlaneStub } from './control-plane-stub.ts';
import type { StubAnswer, StubRequest } from './terminal.ts';

const now = Date.parse('2026-03-01T00:00:00Z');
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const signature = 'c2lnbmF0dXJl';
const tokenOf = (claims: object, kid = '1'): string =>
  `${encode({ alg: 'RS256', kid })}.${encode({ exp: now / 1000 + 3600, nbf: now / 1000 - 5, jti: 'id-1', ...claims })}.${signature}`;
const ofWeb = tokenOf({ Mesh: 'demo', Name: 'web-1', Tags: { 'kuma.io/service': ['web', 'api'] } });

/** Secrets of the mesh `demo` by name; `races`: how many writes come too late. */
let secrets: Record<string, string> = {};
let races = 0;
/** Of the lists that the control plane answers. */
let pageSize = 1000;
const answer = ({ method, url, headers, body }: StubRequest): StubAnswer | undefined => {
  const { pathname: path, searchParams } = new URL(url, 'http://stub');
  if (path === '/meshes/demo/secrets') {
    const offset = Number(searchParams.get('offset') ?? 0);
    const end = offset + Math.min(pageSize, Number(searchParams.get('size')));
    const all = Object.entries(secrets).filter(([name]) => name.includes(searchParams.get('name') ?? ''));
    const items = all.slice(offset, end).map(([name, data]) => ({ name, data, creationTime: '2026-02-28T00:00:00Z' }));
    return { body: JSON.stringify({ items, next: end < all.length ? `${path}?offset=${end}` : null }) };
  }
  const name = /^\/meshes\/demo\/secrets\/(.+)$/.exec(path)?.[1];
  if (name === undefined) return undefined;
  const stored = secrets[name];
  if (method === 'GET')
    return stored === undefined
      ? { status: 404, body: '{"title":"Could not retrieve a resource"}' }
      : { body: JSON.stringify({ name, data: stored }), headers: { etag: `"${stored.length}"` } };
  if (races > 0) {
    races -= 1;
    secrets[name] = Buffer.from('id-0,of-another').toString('base64');
    return { status: 412, body: '{"title":"Could not update a resource"}' };
  }
  const expected =
    stored === undefined ? headers['if-none-match'] === '*' : headers['if-match'] === `"${stored.length}"`;
  if (!expected) return { status: 412, body: '{"title":"the write says no version"}' };
  secrets[name] = JSON.parse(body).data;
  return { body: '{}' };
};

const stub = await openControlPlaneStub(answer);
after(() => stub.close());
beforeEach(() => {
  secrets = { 'dataplane-token-signing-key-demo-1': 'a2V5', 'dataplane-token-signing-key-demo-10': 'a2V5' };
  races = 0;
  pageSize = 1000;
});
const revocations = 'dataplane-token-revocations-demo';
const run = (args: readonly string[], input = '') => stub.run([...args, '-m', 'demo'], { now, input });
const revoked = (): string => Buffer.from(secrets[revocations] ?? '', 'base64').toString('utf8');

test('inspect shows what a token is bound to and that it counts, and never the token', async () => {
  const { code, stdout, stderr } = await run(['token', 'inspect', '-'], ofWeb);
  assert.equal(code, 0, stderr);
  for (const line of [
    /^kind +dataplane$/m,
    /^tags +kuma\.io\/service=web, api$/m,
    /^valid until +2026-03-01T01:00:00/m,
  ])
    assert.match(stdout, line);
  assert.match(stdout, /^counts +yes; the signature was not verified$/m);
  assert.ok(!stdout.includes(signature));
});

test('a token bound to nothing is said to be so', async () => {
  const { stdout } = await run(['token', 'inspect', '-', '--offline'], tokenOf({ Mesh: 'demo' }));
  assert.match(stdout, /^bound to +nothing: any proxy of the mesh$/m);
});

const refused: readonly [string, string, RegExp][] = [
  ['expired', tokenOf({ Mesh: 'demo', exp: now / 1000 - 1 }), /no: it has expired/],
  ['not valid yet', tokenOf({ Mesh: 'demo', nbf: now / 1000 + 60 }), /no: it is not valid yet/],
  ['revoked', tokenOf({ Mesh: 'demo', jti: 'id-9' }), /no: it is revoked/],
];
for (const [what, token, said] of refused) {
  test(`a token that is ${what} does not count, and the code of exit says so`, async () => {
    secrets[revocations] = Buffer.from('id-8, id-9').toString('base64');
    const { code, stdout } = await run(['token', 'inspect', '-'], token);
    assert.equal(code, 1);
    assert.match(stdout, said);
  });
}

test('of a key that is not in the store only the settings can know', async () => {
  const { code, stdout } = await run(['token', 'inspect', '-'], tokenOf({ Mesh: 'demo' }, 'offline'));
  assert.equal(code, 0);
  assert.match(stdout, /only if key offline is among the public keys of the settings/);
});

test('what is no token is refused without being shown', async () => {
  for (const text of ['', 'secret.words', `${encode({})}.${encode([])}.x`, 'a.b.c']) {
    const { code, stderr } = await run(['token', 'inspect', '-'], text);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: standard input holds (no token|a token, but none)/);
    assert.ok(!stderr.includes('secret.words'));
  }
});

test('a token in place of its file is refused without being shown', async () => {
  for (const command of ['inspect', 'revoke']) {
    const { code, stdout, stderr } = await run(['token', command, ofWeb]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /<file>: expected the name of a file, found a token itself.*give - and the token as standard input/,
    );
    assert.ok(!`${stdout}${stderr}`.includes(ofWeb.slice(0, 40)));
  }
});

test('list shows the keys by age of their number, the one that signs, and revoked tokens', async () => {
  secrets[revocations] = Buffer.from('id-8').toString('base64');
  const { code, stdout, stderr } = await run(['token', 'list', '--kind', 'dataplane']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    stdout
      .split('\n')
      .slice(1, 4)
      .map((line) => line.split(/ {2,}/).slice(1)),
    [
      ['signing key', '1', '1d old'],
      ['signing key', '10', '1d old, signs'],
      ['revoked token', 'id-8'],
    ],
  );
  assert.ok(!stdout.includes('a2V5'));
});

test('list and inspect read all pages: what decides may be on the last one', async () => {
  pageSize = 1;
  secrets[revocations] = Buffer.from('id-1').toString('base64');
  const { stdout } = await run(['token', 'list', '--kind', 'dataplane', '-o', 'json']);
  const [{ keys, revoked: ids }] = JSON.parse(stdout);
  assert.deepEqual([keys.map(({ kid }: { kid: string }) => kid), ids], [['1', '10'], ['id-1']]);
  const { code, stdout: shown } = await run(['token', 'inspect', '-'], ofWeb);
  assert.equal(code, 1);
  assert.match(shown, /^counts +no: it is revoked$/m);
});

test('revoke makes the list, adds to it, and does so once', async () => {
  assert.match((await run(['token', 'revoke', '-'], ofWeb)).stdout, /^dataplane token id-1 is revoked$/m);
  assert.equal(revoked(), 'id-1');
  await run(['token', 'revoke', '--kind', 'dataplane', '--id', 'id-2']);
  assert.equal(revoked(), 'id-1,id-2');
  assert.match((await run(['token', 'revoke', '-'], ofWeb)).stdout, /was revoked already/);
  assert.equal(revoked(), 'id-1,id-2');
});

test('what another administrator has revoked meanwhile stays revoked', async () => {
  secrets[revocations] = Buffer.from('id-0').toString('base64');
  races = 1;
  assert.equal((await run(['token', 'revoke', '-'], ofWeb)).code, 0);
  assert.equal(revoked(), 'id-0,of-another,id-1');
});

test('flags that do not fit are refused by name', async () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /either a file with the token, or --id with --kind/],
    [['--id', 'x'], /--kind: must be set with --id/],
    [['--id', 'x,y', '--kind', 'dataplane'], /--id: expected one id without commas/],
  ];
  for (const [flags, said] of cases) {
    const { code, stderr } = await run(['token', 'revoke', ...flags]);
    assert.equal(code, 1);
    assert.match(stderr, said);
  }
});
