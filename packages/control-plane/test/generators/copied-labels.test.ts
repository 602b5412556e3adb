// Labels of Dataplanes on the MeshServices made from them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGenerators } from './mesh-services.ts';

const mesh = { type: 'Mesh', name: 'm1', meshServices: { mode: 'Exclusive' } };
const dataplane = (name: string, labels: Readonly<Record<string, string>>) => ({
  type: 'Dataplane',
  mesh: 'm1',
  name,
  labels,
  networking: { address: '192.0.2.1', inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' } }] },
});
const own = {
  'kuma.io/display-name': 'web',
  'kuma.io/env': 'universal',
  'kuma.io/managed-by': 'meshservice-generator',
  'kuma.io/mesh': 'm1',
  'kuma.io/origin': 'zone',
  'kuma.io/zone': 'default',
};

test('labels are not copied unless the settings say so', async () => {
  const run = await startGenerators();
  await run.apply(mesh, dataplane('web-1', { team: 'a' }));
  await run.settle();
  assert.deepEqual(run.meshService('m1/web')?.labels, own);
  await run.stop();
});

test('labels that the Dataplanes of a service agree on are copied, with its creation, and those that differ are told', async () => {
  const run = await startGenerators({ copied: [] });
  await run.apply({
    type: 'HostnameGenerator',
    name: 'by-team',
    spec: { selector: { meshService: { matchLabels: { team: 'a' } } }, template: '{{ label "team" }}.example' },
  });
  await run.apply(mesh, dataplane('web-1', { team: 'a', version: '1', 'kuma.io/workload': 'w' }));
  await run.settle();
  assert.deepEqual(run.meshService('m1/web')?.labels, { ...own, team: 'a', version: '1' });
  assert.deepEqual(
    run.meshService('m1/web')?.status?.addresses?.map(({ hostname }) => hostname),
    ['a.example', 'web.svc.mesh.local'],
  );
  await run.apply(dataplane('web-2', { team: 'a', version: '2', tier: 'front' }));
  await run.settle();
  assert.deepEqual(run.meshService('m1/web')?.labels, { ...own, team: 'a', tier: 'front' });
  assert.deepEqual(run.dropped, ['m1/web version']);
  await run.delete('Dataplane', 'm1', 'web-1');
  await run.settle();
  assert.deepEqual(run.meshService('m1/web')?.labels, { ...own, team: 'a', version: '2', tier: 'front' });
  await run.delete('Dataplane', 'm1', 'web-2');
  await run.settle();
  assert.equal(run.meshService('m1/web')?.labels.team, 'a');
  assert.deepEqual(run.dropped, ['m1/web version']);
  await run.stop();
});

test('only labels that the settings name are copied, and none of kuma.io', async () => {
  const run = await startGenerators({ copied: ['team', 'kuma.io/workload', 'k8s.kuma.io/service-account'] });
  const labels = { team: 'a', version: '1', 'kuma.io/workload': 'w', 'k8s.kuma.io/service-account': 's' };
  await run.apply(mesh, dataplane('web-1', labels));
  await run.settle();
  assert.deepEqual(run.meshService('m1/web')?.labels, { ...own, team: 'a' });
  await run.stop();
});
