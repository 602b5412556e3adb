// Callers of the store get an answer in time, whatever the store does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { shownReason } from '../../src/store/shown-reason.ts';
import { withWriteDeadline } from '../../src/store/write-deadline.ts';
import { put } from '../store-contract.ts';
import { openFaultyStore } from './faulty-store.ts';

const isUnavailable = (pattern: RegExp) => (error: unknown) =>
  error instanceof MeshError && error.code === 'unavailable' && pattern.test(error.message);

test('a frozen store is given up on, and what was asked for may still happen', async () => {
  const store = openFaultyStore();
  const limited = withWriteDeadline(store, { milliseconds: 30, mostWaiting: 10 });
  await limited.write([put('a', 1)]);
  store.freeze();
  await assert.rejects(
    limited.write([put('b', 1)]),
    isUnavailable(/not answered within 0\.03 s \(degraded since .*: no answer\).*not known/),
  );
  assert.equal(store.revision(), 1);
  store.mend();
  await limited.write([put('c', 1)]);
  assert.equal(store.revision(), 3, 'the late write happened as well');
});

test('no more writes than the limit wait, and there is room again once they have ended', async () => {
  const store = openFaultyStore();
  const limited = withWriteDeadline(store, { milliseconds: 20, mostWaiting: 3 });
  store.freeze();
  const waiting = Array.from({ length: 3 }, (_, index) => limited.write([put(`a-${index}`, 1)]));
  await assert.rejects(limited.write([put('b', 1)]), isUnavailable(/nothing was written: 3 writes wait/));
  for (const write of waiting) await assert.rejects(write, isUnavailable(/not known/));
  await assert.rejects(
    limited.write([put('b', 1)]),
    isUnavailable(/nothing was written/),
    'they still wait in the store',
  );
  assert.equal(store.attempts(), 3);
  store.mend();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await limited.write([put('b', 1)]);
});

test("a store's own refusal passes through", async () => {
  const store = openFaultyStore();
  const limited = withWriteDeadline(store, { milliseconds: 1_000, mostWaiting: 3 });
  store.breakDown();
  await assert.rejects(
    limited.write([put('a', 1)]),
    isUnavailable(/^the database cannot be reached: connection refused$/),
  );
});

test('a reason is shown without credentials and on one line', () => {
  const reason =
    'connect failed\n postgres://kuma:hunter2@db:5432/kuma?sslmode=disable password=hunter2 Token: "hunter2 x"; user kuma';
  assert.equal(
    shownReason(reason),
    'connect failed postgres://*****@db:5432/kuma?sslmode=disable password=***** Token: ***** user kuma'.replace(
      '***** user',
      '*****; user',
    ),
  );
  assert.equal(shownReason('x'.repeat(10_000)).length, 500);
});
