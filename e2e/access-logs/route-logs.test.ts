// The access log of a single route, beside that of its destination.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { answers, openPolicyWorld } from '../harness/world.ts';

const world = await openPolicyWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
await answers(client.urlOf('backend'), 200);

const format = (text: string) => ({ type: 'Plain', plain: `${text} %REQ(:PATH)%` });

test('requests of a route with a log of its own are logged there, and nowhere else', async () => {
  const file = (name: string) => join(world.folder, `${name}.log`);
  const lines = (name: string) => {
    try {
      return readFileSync(file(name), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };
  const backends = (name: string) => ({
    default: { backends: [{ type: 'File', file: { path: file(name), format: format(name) } }] },
  });
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/orders' } }], default: {} }];
  const backend = { kind: 'MeshService', name: 'backend' };
  const targetRef = { kind: 'Mesh' };
  await controlPlane.apply({
    type: 'MeshHTTPRoute',
    mesh: 'default',
    name: 'orders',
    spec: { targetRef, to: [{ targetRef: backend, rules }] },
  });
  const to = [
    { targetRef: backend, ...backends('others') },
    { targetRef: { kind: 'MeshHTTPRoute', name: 'orders' }, ...backends('orders') },
  ];
  await controlPlane.apply({ type: 'MeshAccessLog', mesh: 'default', name: 'by-route', spec: { targetRef, to } });
  const call = (path: string) => answers(`${client.urlOf('backend')}${path}`, 200);
  await waitFor(
    'the route is logged',
    async () => {
      await call('/orders/first');
      return lines('orders').length > 0;
    },
    { within: 30_000, every: 100 },
  );
  const before = lines('others').length;
  for (let count = 0; count < 10; count += 1) {
    await call('/orders/one');
    await call('/other');
  }
  await waitFor('both logs are written', () => lines('others').length >= before + 10, { within: 30_000 });
  assert.deepEqual(
    lines('others').slice(before),
    Array.from({ length: 10 }, () => 'others /other'),
  );
  const ones = () => lines('orders').filter((line) => line === 'orders /orders/one');
  await waitFor('all requests of the route are logged', () => ones().length === 10, { within: 30_000 });
  assert.ok(lines('orders').every((line) => line.startsWith('orders /orders')));
});
