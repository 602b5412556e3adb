// MeshFaultInjection by traffic: errors, delays and slow answers come at their rate, and only to those who are meant.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ask, askUntil, tally } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const backend = await openScriptedService('backend');
after(() => Promise.all([world.close(), backend.close()]));
const { controlPlane } = world;
await world.start({ service: 'backend', servicePort: backend.port });
const client = await world.start({ service: 'client', calls: ['backend'] });
const other = await world.start({ service: 'other', calls: ['backend'] });
const url = client.urlOf('backend');

const targetRef = { kind: 'Dataplane', labels: { app: 'backend' } };
const faults = (...http: readonly object[]) =>
  policy('MeshFaultInjection', 'some', { targetRef, rules: [{ default: { http } }] });
const failed = ({ status }: { readonly status: number }) => status === 418;

test('errors come at their rate', async () => {
  await controlPlane.apply(faults({ abort: { httpStatus: 418, percentage: 30 } }));
  await askUntil('a fault', url, {}, failed);
  const sent = 500;
  const answers = await tally(sent, url, {}, ({ status }) => String(status));
  assert.deepEqual(Object.keys(answers).sort(), ['200', '418']);
  // Five standard deviations of 500 draws at 3 in 10 are 51.
  assert.ok(Math.abs((answers['418'] ?? 0) - sent * 0.3) < 51, JSON.stringify(answers));
});

test('delays and slow answers', async () => {
  await controlPlane.apply(faults({ delay: { value: '400ms', percentage: 100 } }));
  await askUntil('a delay', url, {}, ({ status, took }) => status === 200 && took >= 400);
  // Envoy counts kbps as 1,024 bytes a second: 200 kB take two seconds.
  await controlPlane.apply(faults({ responseBandwidth: { limit: '100kbps', percentage: 100 } }));
  const large = { headers: { 'x-size': '200000' } };
  await askUntil('a slow answer', url, large, ({ text, took }) => text.length === 200_000 && took >= 1000);
});

test('only some clients get them: by identity', async () => {
  const match = { spiffeID: { type: 'Exact', value: 'spiffe://default/client' } };
  const abort = { abort: { httpStatus: 418, percentage: 100 } };
  await controlPlane.apply(
    policy('MeshFaultInjection', 'some', { targetRef, rules: [{ matches: [match], default: { http: [abort] } }] }),
  );
  await askUntil('a fault', url, {}, failed);
  assert.equal((await ask(other.urlOf('backend'))).status, 200);
});

test('only some clients get them: by tag', async () => {
  const from = [
    {
      targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': 'other' } },
      default: { http: [{ abort: { httpStatus: 418, percentage: 100 } }] },
    },
  ];
  await controlPlane.apply(policy('MeshFaultInjection', 'some', { targetRef, from }));
  await askUntil('a fault', other.urlOf('backend'), {}, failed);
  await askUntil('no fault', url, {}, ({ status }) => status === 200);
});
