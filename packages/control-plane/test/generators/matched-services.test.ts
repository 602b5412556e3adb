import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshMultiZoneServiceStatus } from '@ursa/resources';
import { startGenerators } from './mesh-services.ts';

const meshService = (name: string, labels: Readonly<Record<string, string>>) => ({
  type: 'MeshService',
  mesh: 'm1',
  name,
  labels,
  spec: { selector: { dataplaneTags: { 'kuma.io/service': name } }, ports: [{ port: 80 }] },
});

test('the status of a MeshMultiZoneService names the services that match, and says when none does', async () => {
  const run = await startGenerators();
  const matchLabels = { team: 'x', stage: 'live' };
  const spec = { selector: { meshService: { matchLabels } }, ports: [{ port: 80 }] };
  await run.apply({ type: 'Mesh', name: 'm1' }, { type: 'MeshMultiZoneService', mesh: 'm1', name: 'all', spec });
  const status = async (): Promise<MeshMultiZoneServiceStatus> => {
    await run.settle();
    return run.live.resources('MeshMultiZoneService').get('m1/all')?.status as MeshMultiZoneServiceStatus;
  };
  const none = await status();
  assert.deepEqual([none.meshServices, none.conditions?.[0]?.status], [undefined, 'False']);
  await run.apply(meshService('b', matchLabels), meshService('a', matchLabels), meshService('c', { team: 'x' }));
  const two = await status();
  assert.deepEqual(
    two.meshServices?.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual([two.conditions?.[0]?.status, two.conditions?.[0]?.message], ['True', 'Matched 2 MeshService(s)']);
  assert.match(two.vips?.[0]?.ip ?? '', /^243\./);
  await run.delete('MeshService', 'm1', 'b');
  assert.equal((await status()).meshServices?.length, 1);
  await run.stop();
});
