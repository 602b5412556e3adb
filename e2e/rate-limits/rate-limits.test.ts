// MeshRateLimit by traffic: so many requests or connections in a time, and no more.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { ask, askUntil, tally } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const backend = await openScriptedService('backend');
const db = await openTcpService('db');
after(() => Promise.all([world.close(), backend.close(), db.close()]));
const { controlPlane } = world;
await world.start({ service: 'backend', servicePort: backend.port });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend', 'db'] });
const other = await world.start({ service: 'other', calls: ['backend'] });
const url = client.urlOf('backend');

const limit = (app: string, rules: readonly object[]) =>
  policy('MeshRateLimit', app, { targetRef: { kind: 'Dataplane', labels: { app } }, rules });
/** Longer than the story: the bucket is filled once. */
const interval = '1h';

test('requests above the limit are answered as the policy says', async () => {
  const onRateLimit = { status: 423, headers: { set: [{ name: 'x-limited', value: 'yes' }] } };
  const http = { requestRate: { num: 20, interval }, onRateLimit };
  await controlPlane.apply(limit('backend', [{ default: { local: { http } } }]));
  const { headers } = await askUntil('the limit', url, {}, ({ status }) => status === 423);
  assert.equal(headers['x-limited'], 'yes');
});

test('a limit lets through exactly its number, with 429 above it', async () => {
  await controlPlane.apply(limit('backend', [{ default: { local: { http: { disabled: true } } } }]));
  await askUntil('no limit', url, {}, ({ status }) => status === 200);
  const http = { requestRate: { num: 30, interval } };
  await controlPlane.apply(limit('backend', [{ default: { local: { http } } }]));
  const before = backend.tries('counted');
  const counted = { headers: { 'x-id': 'counted' } };
  // From the first limited request on nothing gets through: what did since the limit came is its number, or more by what came before it.
  await askUntil('the limit', url, counted, ({ status }) => status === 429);
  assert.ok(backend.tries('counted') - before >= 30);
  assert.deepEqual(await tally(20, url, counted, ({ status }) => String(status)), { '429': 20 });
});

test('clients of a match have a limit of their own', async () => {
  const match = { spiffeID: { type: 'Exact', value: 'spiffe://default/client' } };
  const few = { local: { http: { requestRate: { num: 1, interval } } } };
  await controlPlane.apply(limit('backend', [{ matches: [match], default: few }]));
  await askUntil('no limit for others', other.urlOf('backend'), {}, ({ status }) => status === 200);
  await askUntil('the limit', url, {}, ({ status }) => status === 429);
  assert.equal((await ask(other.urlOf('backend'))).status, 200);
});

test('connections above the limit are closed', async () => {
  const tcp = { connectionRate: { num: 5, interval } };
  assert.equal(await nameAt(client.portOf('db')), 'db');
  await controlPlane.apply(limit('db', [{ default: { local: { tcp } } }]));
  await waitFor('the limit', async () => (await nameAt(client.portOf('db'))) === 'closed');
  assert.equal(await nameAt(client.portOf('db')), 'closed');
});
