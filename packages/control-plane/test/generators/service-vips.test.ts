import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import { parseAddressRange } from '@ursa/resources';
import { serviceVips } from '../../src/generators/service-vips.ts';
import { type Draft, openLiveStore } from '../identity/live-store.ts';

const mesh = (name: string, mode: string): Draft => ({ type: 'Mesh', name, spec: { meshServices: { mode } } });
const dataplane = (name: string, meshName: string, ...services: readonly string[]): Draft => ({
  type: 'Dataplane',
  mesh: meshName,
  name,
  spec: { networking: { inbound: services.map((service) => ({ port: 80, tags: { 'kuma.io/service': service } })) } },
});

async function openVips(...resources: readonly Draft[]) {
  const store = await openLiveStore(...resources);
  const graph = createGraph();
  const vips = graph.source<ServiceVip>('vips');
  const component = serviceVips({ live: store.live, graph, vips, range: parseAddressRange('240.0.0.0/4') });
  await component.start();
  return { ...store, vips, component };
}

test('every service has an address of the first eighth of the range, as long as a Dataplane serves it', async () => {
  const run = await openVips(mesh('m', 'Everywhere'), dataplane('a', 'm', 'web', 'api'), dataplane('b', 'm', 'web'));
  assert.deepEqual(run.vips.keys(), ['m/api', 'm/web']);
  assert.match(run.vips.get('m/web')?.address ?? '', /^240\./);
  assert.deepEqual(run.vips.get('m/web'), { mesh: 'm', service: 'web', address: run.vips.get('m/web')?.address });
  await run.put(dataplane('a', 'm', 'web'));
  assert.deepEqual(run.vips.keys(), ['m/web']);
  await run.component.stop();
});

test('meshes that use MeshServices exclusively have none, and names that cannot be looked up are left out', async () => {
  const run = await openVips(
    mesh('m', 'Exclusive'),
    dataplane('a', 'm', 'web'),
    mesh('n', 'Disabled'),
    dataplane('a', 'n', 'a:b', '*', 'ok'),
  );
  assert.deepEqual(run.vips.keys(), ['n/ok']);
  await run.component.stop();
});

test('a service that comes back, or a control plane that starts anew, gives the same address', async () => {
  const resources = [mesh('m', 'Disabled'), dataplane('a', 'm', 'web'), dataplane('b', 'm', 'api')];
  const run = await openVips(...resources);
  const address = run.vips.get('m/web')?.address;
  await run.remove('Dataplane', 'm', 'a');
  await run.put(dataplane('a', 'm', 'web'));
  assert.equal(run.vips.get('m/web')?.address, address);
  await run.component.stop();
  const again = await openVips(...resources);
  assert.equal(again.vips.get('m/web')?.address, address);
  await again.component.stop();
});
