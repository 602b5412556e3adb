// Two writers of one resource: with ETags none of them overwrites the other unseen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiFixture } from './api-fixture.ts';
import { openDefault, timeoutDocument } from './documents.ts';

const path = '/meshes/default/meshtimeouts/a';

test('every read and write of one resource says its ETag and the revision', async () => {
  const { ask, store } = await openDefault();
  const written = await ask('PUT', path, timeoutDocument());
  const read = await ask('GET', path);
  assert.equal(read.headers.etag, written.headers.etag);
  assert.equal(read.headers['kuma-revision'], String(store.revision()));
  const updated = await ask('PUT', path, timeoutDocument('a', '9s'));
  assert.notEqual(updated.headers.etag, written.headers.etag);
  assert.equal(updated.headers['kuma-revision'], String(store.revision()));
});

test('an outdated If-Match is refused with 412 and the current ETag', async () => {
  const { ask } = await openDefault();
  const { headers } = await ask('PUT', path, timeoutDocument());
  const old = String(headers.etag);
  const next = await ask('PUT', path, timeoutDocument('a', '4s'), { 'if-match': old });
  assert.equal(next.status, 200);
  for (const method of ['PUT', 'DELETE']) {
    const lost = await ask(method, path, method === 'PUT' ? timeoutDocument('a', '5s') : undefined, {
      'if-match': old,
    });
    assert.equal(lost.status, 412);
    assert.equal(lost.headers.etag, next.headers.etag);
  }
  assert.equal((await ask('GET', path)).body.spec.to[0].default.connectionTimeout, '4s');
});

test('If-None-Match: * creates once, If-Match: * only replaces', async () => {
  const { ask } = await openDefault();
  assert.equal((await ask('PUT', path, timeoutDocument(), { 'if-match': '*' })).status, 412);
  assert.equal((await ask('PUT', path, timeoutDocument(), { 'if-none-match': '*' })).status, 201);
  assert.equal((await ask('PUT', path, timeoutDocument(), { 'if-none-match': '*' })).status, 412);
  assert.equal((await ask('PUT', path, timeoutDocument('a', '4s'), { 'if-match': '*' })).status, 200);
});

test('a resource that was deleted and made again is not taken for the old one', async () => {
  const { ask } = await openDefault();
  const first = await ask('PUT', path, timeoutDocument());
  await ask('DELETE', path);
  // Creation times are told in milliseconds.
  const made = Date.now();
  while (Date.now() === made);
  await ask('PUT', path, timeoutDocument());
  assert.equal(
    (await ask('PUT', path, timeoutDocument('a', '4s'), { 'if-match': String(first.headers.etag) })).status,
    412,
  );
});

test('a reader that has the resource already gets 304', async () => {
  const { ask } = await openDefault();
  const { headers } = await ask('PUT', path, timeoutDocument());
  const same = await ask('GET', path, undefined, { 'if-none-match': String(headers.etag) });
  assert.deepEqual([same.status, same.text], [304, '']);
  assert.equal((await ask('GET', path, undefined, { 'if-none-match': '"0-0"' })).status, 200);
});

test('of two writers a thousand times at once none loses a write unseen', async () => {
  const fixture = await openDefault();
  await fixture.ask('PUT', path, counterDocument(0));
  const outcomes = await Promise.all([write(fixture, 500), write(fixture, 500)]);
  const done = outcomes.reduce((sum, { done: count }) => sum + count, 0);
  const { body } = await fixture.ask('GET', path);
  assert.equal(Number(body.labels.count), done);
  assert.ok(
    outcomes.some(({ lost }) => lost > 0),
    'the writers never met',
  );
});

function counterDocument(count: number) {
  return { ...timeoutDocument(), labels: { count: String(count) } };
}

/** Counts the resource up, and again when another writer was faster. */
async function write({ ask }: ApiFixture, times: number): Promise<{ readonly done: number; readonly lost: number }> {
  let done = 0;
  let lost = 0;
  while (done < times) {
    const { headers, body } = await ask('GET', path);
    const next = counterDocument(Number(body.labels.count) + 1);
    const { status } = await ask('PUT', path, next, { 'if-match': String(headers.etag) });
    if (status === 200) done++;
    else lost++;
  }
  return { done, lost };
}
