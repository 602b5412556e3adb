// `POST /_apply`: several resources as one change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture } from './api-fixture.ts';
import { dataplaneDocument, openDefault, timeoutDocument } from './documents.ts';

const mesh = (name: string) => ({ type: 'Mesh', name });

test('a mesh and what belongs to it are written together, in whatever order they stand', async () => {
  const { ask } = openApiFixture();
  const { status, body, headers } = await ask('POST', '/_apply', {
    resources: [timeoutDocument('slow', '3s', 'shop'), mesh('shop'), dataplaneDocument('web-1', {}, 'shop')],
  });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    body.resources.map((each: { type: string; created: boolean }) => [each.type, each.created]),
    [
      ['MeshTimeout', true],
      ['Mesh', true],
      ['Dataplane', true],
    ],
  );
  assert.equal(headers['kuma-revision'], String(body.revision));
  assert.equal((await ask('GET', '/meshes/shop/meshtimeouts/slow')).status, 200);
});

test('readers of the live resources see all of it at once', async () => {
  const { ask, live } = await openDefault();
  const policies = live.graph.derive('policies there are', () => live.resources('MeshTimeout').keys().length);
  const seen: number[] = [];
  const before = policies.get();
  const watch = live.graph.watch(policies, [], (count) => seen.push(count));
  await ask('POST', '/_apply', { resources: [timeoutDocument('a'), timeoutDocument('b'), timeoutDocument('c')] });
  watch.stop();
  assert.deepEqual(seen, [before + 3]);
});

test('what is there already is replaced, and says so; of two documents of one resource the later counts', async () => {
  const { ask } = await openDefault();
  await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument('a'));
  const { body } = await ask('POST', '/_apply', {
    resources: [timeoutDocument('a', '4s'), timeoutDocument('b', '5s'), timeoutDocument('b', '6s')],
  });
  assert.deepEqual(
    body.resources.map((each: { name: string; created: boolean }) => [each.name, each.created]),
    [
      ['a', false],
      ['b', true],
      ['b', false],
    ],
  );
  const { body: stored } = await ask('GET', '/meshes/default/meshtimeouts/b');
  assert.equal(stored.spec.to[0].default.connectionTimeout, '6s');
});

test('one that is refused takes all with it, and every problem has its place', async () => {
  const { ask, store } = await openDefault();
  const before = store.revision();
  const { status, body } = await ask('POST', '/_apply', {
    resources: [timeoutDocument('fine'), timeoutDocument('a', '-1s')],
  });
  assert.equal(status, 400);
  assert.match(body.invalid_parameters[0].field, /^resources\[1\]\.spec\.to\[0\]\.default\.connectionTimeout$/);
  const lost = await ask('POST', '/_apply', {
    resources: [timeoutDocument('fine'), timeoutDocument('a', '3s', 'nowhere'), timeoutDocument('b', '3s', 'nowhere')],
  });
  assert.equal(lost.status, 400);
  assert.deepEqual(
    lost.body.invalid_parameters.map(({ field }: { field: string }) => field),
    ['resources[1].mesh', 'resources[2].mesh'],
  );
  assert.equal(store.revision(), before);
});

test('bodies of another form are refused with what is expected', async () => {
  const { ask } = await openDefault();
  const bodies: readonly [body: object, reason: RegExp][] = [
    [{}, /"resources", a list of at least one/],
    [{ resources: [] }, /at least one/],
    [{ resources: {} }, /"resources", a list/],
    [{ resources: [mesh('a')], deletions: [] }, /unknown field "deletions"; expected resources/],
    [{ resources: Array.from({ length: 1001 }, (_, index) => mesh(`m${index}`)) }, /at most 1000 resources at once/],
    [{ resources: ['text'] }, /resources\[0\]/],
  ];
  for (const [body, reason] of bodies) {
    const { status, text } = await ask('POST', '/_apply', body);
    assert.equal(status, 400, text);
    assert.match(text.replaceAll('\\"', '"'), reason);
  }
});

test('types that are not written here are refused as by PUT', async () => {
  const { ask } = await openDefault();
  const insight = { type: 'DataplaneInsight', mesh: 'default', name: 'web-1' };
  assert.equal((await ask('POST', '/_apply', { resources: [timeoutDocument(), insight] })).status, 405);
});
