// Pages of lists: what they hold, and that nothing is found out of what they leave out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyResourceTypes } from '@ursa/policies';
import { createResourceTypes, type Resource } from '@ursa/resources';
import { createResourceReader } from '../../src/api/resources/reader.ts';
import { openLiveStore } from '../identity/live-store.ts';

const timeout = (mesh: string, name: string) => ({ type: 'MeshTimeout', mesh, name, spec: {} });
const idOf = ({ mesh, name }: Pick<Resource, 'mesh' | 'name'>) => `${mesh}/${name}`;

async function openReader() {
  const { live } = await openLiveStore(
    // By key `blue-sky/…` sorts before `blue/…`, by mesh after it.
    ...['blue/c', 'blue-sky/a', 'blue/a', 'blue/b', 'red/a'].map((id) => {
      const [mesh = '', name = ''] = id.split('/');
      return timeout(mesh, name);
    }),
  );
  const observed: string[] = [];
  const access = { requireRead: () => undefined, seesKeys: () => true };
  const reader = createResourceReader(createResourceTypes(policyResourceTypes), live, access, String, (resource) => {
    observed.push(idOf(resource));
    return resource;
  });
  return { reader, observed };
}

for (const [what, mesh, filter, all] of [
  ['of a mesh', 'blue', undefined, ['blue/a', 'blue/b', 'blue/c']],
  ['of a mesh, filtered', 'blue', ({ name }: Resource) => name !== 'b', ['blue/a', 'blue/c']],
  ['of a mesh that is empty', 'green', undefined, []],
  ['of all meshes', undefined, undefined, ['blue/a', 'blue/b', 'blue/c', 'blue-sky/a', 'red/a']],
  ['of all meshes, filtered', undefined, ({ name }: Resource) => name === 'a', ['blue/a', 'blue-sky/a', 'red/a']],
] as const)
  test(`each page ${what} is that part of the list, and only what it shows is observed`, async () => {
    const { reader, observed } = await openReader();
    for (let offset = 0; offset <= all.length + 1; offset += 1)
      for (const size of [1, 2, 10]) {
        observed.length = 0;
        const { total, resources } = reader.page('MeshTimeout', mesh, { offset, size }, filter);
        const expected = all.slice(offset, offset + size);
        assert.deepEqual(resources.map(idOf), expected);
        assert.deepEqual(observed, expected);
        assert.equal(total, all.length);
      }
  });

test('a count observes nothing', async () => {
  const { reader, observed } = await openReader();
  assert.equal(reader.count('MeshTimeout'), 5);
  assert.deepEqual(observed, []);
});
