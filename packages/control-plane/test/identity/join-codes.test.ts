// Join codes: good once, for what they were made for, until they end, at whichever instance; the store and the log never learn the secret.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import {
  type JoinCodes,
  type JoinEvent,
  type JoinRequest,
  openJoinCodes,
} from '../../src/identity/joining/join-codes.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { openTokens } from '../../src/identity/tokens/tokens.ts';
import { openLog } from '../../src/log.ts';
import { type LiveResources, openLiveResources } from '../../src/store/live-resources.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import type { Store } from '../../src/store/store.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { manualClock, openLiveStore } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const minute = 60_000;
const key = await generateSigningKey();
const signingKey = {
  type: 'Secret',
  mesh: 'default',
  name: 'dataplane-token-signing-key-default-1',
  spec: { data: key },
};

function instanceOver(live: LiveResources, store: Store, clock = manualClock(start)) {
  const events: JoinEvent[] = [];
  const tokens = openTokens(live, { clock });
  const codes = openJoinCodes({ live, store, tokens, clock, observe: (event) => void events.push(event) });
  return { codes, tokens, events, clock };
}

async function setUp() {
  const opened = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} }, signingKey);
  return { ...opened, ...instanceOver(opened.live, opened.store) };
}

const issue = (codes: JoinCodes, more: object = {}) =>
  codes.issue({
    ...{ mesh: 'default', validForSeconds: 900, tokenValidForSeconds: 3600, issuedBy: 'jane' },
    ...more,
  });
const request = (code: { id: string; secret: string }, more: Partial<JoinRequest> = {}): JoinRequest => ({
  ...{ ...code, service: 'web', name: '', from: '192.0.2.7' },
  ...more,
});

test('a code is exchanged for a token that is bound to name, service and kind', async () => {
  const { codes, tokens } = await setUp();
  const code = await issue(codes);
  const { token, ...membership } = await codes.exchange(request(code));
  assert.deepEqual(membership, { mesh: 'default', service: 'web', name: `web-${code.id.slice(0, 8)}` });
  const { Name, Mesh, Type, Tags, exp } = await tokens.verifyDataplane(token, 'default');
  assert.deepEqual(
    { Name, Mesh, Type, Tags, exp },
    {
      Name: membership.name,
      Mesh: 'default',
      Type: 'dataplane',
      Tags: { 'kuma.io/service': ['web'] },
      exp: start / 1000 + 3600,
    },
  );
});

test('a code is good once, and the second time says when and for whom it was used', async () => {
  const { codes } = await setUp();
  const code = await issue(codes);
  const { name } = await codes.exchange(request(code));
  await assert.rejects(codes.exchange(request(code)), {
    code: 'forbidden',
    message: `this join code has been used already, at 2026-11-23T12:00:00.000Z for the proxy "${name}": each is good for one proxy. If that was not you, revoke that proxy's token; make another one with "kumactl generate join-code"`,
  });
});

test('of many that come at once with one code, one gets a token', async () => {
  const { codes } = await setUp();
  const code = await issue(codes);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => codes.exchange(request(code))));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a code ends when it was said to, and is forgotten a day later, when another one is made', async () => {
  const { codes, clock, live } = await setUp();
  const code = await issue(codes);
  clock.moveTo(start + 17 * minute);
  await assert.rejects(
    codes.exchange(request(code)),
    /^MeshError: this join code has expired 2m0s ago; make another one/,
  );
  const stored = () => live.resources('GlobalSecret').keys().length;
  await issue(codes);
  assert.equal(stored(), 2);
  clock.moveTo(start + (24 * 60 + 20) * minute);
  await issue(codes);
  assert.equal(stored(), 2);
});

test('a code for a service or a name is good for no other', async () => {
  const { codes } = await setUp();
  const code = await issue(codes, { service: 'web', name: 'web-1' });
  await assert.rejects(
    codes.exchange(request(code, { service: 'api' })),
    /service: this join code is for the service "web", not for "api"/,
  );
  await assert.rejects(
    codes.exchange(request(code, { name: 'web-2' })),
    /name: this join code is for the name "web-1"/,
  );
  assert.equal((await codes.exchange(request(code, { service: '' }))).name, 'web-1');
});

test('whoever joins cannot take the name of a Dataplane that is there, nor one that is none', async () => {
  const { codes, put } = await setUp();
  await put({ type: 'Dataplane', mesh: 'default', name: 'web-1', spec: {} });
  const code = await issue(codes);
  await assert.rejects(
    codes.exchange(request(code, { name: 'web-1' })),
    /there is a Dataplane "web-1" in mesh "default" already/,
  );
  await assert.rejects(codes.exchange(request(code, { name: 'Web/1' })), /name: expected lower-case letters/);
  await assert.rejects(codes.exchange(request(code, { service: '' })), /say which one \(--service\)/);
  assert.equal((await codes.exchange(request(code, { name: 'web-2' }))).name, 'web-2');
});

test('wrong secrets and codes that do not exist are refused in the same words', async () => {
  const { codes } = await setUp();
  const { id } = await issue(codes);
  const words =
    /^MeshError: this control plane knows no such join code: it is of another one, or long over; make another one/;
  for (const wrong of [
    { id, secret: '' },
    { id, secret: 'guess' },
    { id: '0123456789abcdef', secret: 'x' },
    { id: '../x', secret: 'x' },
  ])
    await assert.rejects(codes.exchange(request(wrong)), words);
});

test('after ten wrong secrets a code is good for nobody', async () => {
  const { codes } = await setUp();
  const [code, other] = [await issue(codes), await issue(codes)];
  for (let attempt = 0; attempt < 10; attempt += 1)
    await assert.rejects(codes.exchange(request({ ...code, secret: `guess-${attempt}` })));
  await assert.rejects(codes.exchange(request(code)), /somebody has tried wrong secrets with this join code/);
  assert.equal((await codes.exchange(request(other))).mesh, 'default');
});

test('a code is taken back by deleting its secret', async () => {
  const { codes, remove } = await setUp();
  const code = await issue(codes);
  await remove('GlobalSecret', '', `join-code-${code.id}`);
  await assert.rejects(codes.exchange(request(code)), /knows no such join code/);
});

test('a code is not spent where no token can be had for it', async () => {
  const { codes, remove, put } = await setUp();
  const code = await issue(codes);
  await remove('Secret', 'default', signingKey.name);
  await assert.rejects(codes.exchange(request(code)), { code: 'unavailable' });
  await put(signingKey);
  assert.equal((await codes.exchange(request(code))).mesh, 'default');
});

test('neither the store nor what is told of codes holds a secret or a token', async () => {
  const { codes, events, live } = await setUp();
  const code = await issue(codes);
  await assert.rejects(codes.exchange(request({ ...code, secret: 'guess' })));
  const { token } = await codes.exchange(request(code));
  await assert.rejects(codes.exchange(request(code)));
  assert.deepEqual(
    events.map(({ kind, ...event }) => [kind, event.code]),
    [
      ['issued', code.id],
      ['refused', code.id],
      ['exchanged', code.id],
      ['refused', code.id],
    ],
  );
  const stored = live
    .list('GlobalSecret')
    .map(({ spec }) => Buffer.from((spec as { data: string }).data, 'base64').toString());
  assert.equal(stored.length, 1);
  const told = JSON.stringify([events, stored]);
  for (const secret of [code.secret, token, token.split('.')[2] ?? '', 'guess']) assert.ok(!told.includes(secret));
});

test('only so many codes wait to be used', async () => {
  const { codes, clock } = await setUp();
  for (let count = 0; count < 1000; count += 1) await issue(codes);
  await assert.rejects(issue(codes), { code: 'conflict', message: /1000 join codes wait to be used/ });
  clock.moveTo(start + 16 * minute);
  await issue(codes);
});

test('instances over one PostgreSQL: of two that get the same code at once, one gives a token', {
  skip: postgresMissing,
}, async (context) => {
  const server = await openPostgresServer();
  context.after(() => server.remove());
  const database = await server.createStore();
  const log = openLog('off', { write: () => undefined }).component('store');
  const open = async () => {
    const store = await openPostgresStore(server.settings(database), { log });
    context.after(() => store.close());
    const live = openLiveResources(createGraph(), store);
    return { store, live, ...instanceOver(live, store) };
  };
  const [one, other] = [await open(), await open()];
  const resources = [
    { type: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} },
    { ...signingKey, labels: {} },
  ];
  await one.store.write(resources.map((resource) => ({ kind: 'put', resource })));
  for (let round = 0; round < 5; round += 1) {
    const code = await issue(one.codes);
    const follows = async (): Promise<void> => {
      const end = Date.now() + 10_000;
      while (other.live.get({ type: 'GlobalSecret', mesh: '', name: `join-code-${code.id}` }) === undefined) {
        assert.ok(Date.now() < end, 'the other instance does not learn of the code');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await follows();
    const outcomes = await Promise.allSettled([one, other].map(({ codes }) => codes.exchange(request(code))));
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    assert.match(String(refused?.reason), /this join code has been used already/);
  }
});
