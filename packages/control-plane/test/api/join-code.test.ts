// POST /tokens/join-code: for those who may issue data plane tokens; what it answers can be exchanged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJoinCode } from '@ursa/resources';
import { systemClock } from '../../src/identity/clock.ts';
import { openJoinCodes } from '../../src/identity/joining/join-codes.ts';
import type { ReachableAs } from '../../src/identity/joining/reachable-as.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

const key = await generateSigningKey();
const authority = 'ab'.repeat(32);

async function setUp() {
  const asked: unknown[] = [];
  const reachableAs: ReachableAs = {
    authority: () => authority,
    async addresses(wanted, calledAs) {
      asked.push([wanted, calledAs]);
      return ['https://192.0.2.1:5678'];
    },
  };
  // The codes need the fixture's store, and the fixture the codes.
  const inner = openApiFixture();
  const { live, store } = inner;
  const { tokens } = inner.options;
  const codes = openJoinCodes({ live, store, tokens, clock: systemClock, observe: () => undefined });
  const fixture = openApiFixture({}, aloneZone, {
    ...{ types: inner.types, live, manager: inner.manager, tokens, joining: { codes, reachableAs } },
  });
  await openWithMeshes(inner, 'default');
  const secrets = [
    { type: 'GlobalSecret', mesh: '', name: 'user-token-signing-key-1' },
    { type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1' },
  ];
  await store.write(secrets.map((name) => ({ kind: 'put', resource: { ...name, labels: {}, spec: { data: key } } })));
  return { ask: fixture.ask, codes, asked, tokens };
}

test('the answer is a code that leads here, and is good once for what was asked', async () => {
  const { ask, codes, asked } = await setUp();
  const body = { service: 'web', name: 'web-1', validFor: '5m', addresses: ['192.0.2.1'] };
  const { status, headers, text } = await ask('POST', '/tokens/join-code', body);
  assert.deepEqual([status, headers['content-type'], headers['cache-control']], [200, 'text/plain', 'no-store']);
  assert.deepEqual(asked, [[['192.0.2.1'], '127.0.0.1']]);
  const code = parseJoinCode(text);
  assert.deepEqual([code.authority, code.addresses], [authority, ['https://192.0.2.1:5678']]);
  const { token, ...membership } = await codes.exchange({ ...code, service: '', name: '', from: '' });
  assert.deepEqual(membership, { mesh: 'default', service: 'web', name: 'web-1' });
});

test('who may not issue data plane tokens gets none', async () => {
  const { ask, tokens } = await setUp();
  const token = await tokens.issueUser({ name: 'jane', groups: ['team'], validForSeconds: 60 });
  for (const authorization of [undefined, `Bearer ${token}`]) {
    const headers = { 'x-forwarded-for': '192.0.2.1', ...(authorization === undefined ? {} : { authorization }) };
    assert.equal((await ask('POST', '/tokens/join-code', {}, headers)).status, 403);
  }
});

test('all that is wrong is named', async () => {
  const { ask } = await setUp();
  const { status, body } = await ask('POST', '/tokens/join-code', {
    validFor: '25h',
    tokenValidFor: 'soon',
    addresses: 'x',
  });
  assert.equal(status, 400);
  assert.deepEqual(
    body.causes.map(({ field }: { field: string }) => field),
    ['validFor', 'tokenValidFor', 'addresses'],
  );
  assert.match(body.causes[0].message, /at most 24h/);
  const unknown = await ask('POST', '/tokens/join-code', { mesh: 'nowhere' });
  assert.match(unknown.text, /mesh \\"nowhere\\" does not exist/);
  assert.match((await ask('POST', '/tokens/join-code', { service: 'Web' })).text, /service/);
});
