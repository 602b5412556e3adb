import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph, watchEach } from '../src/index.ts';

function follow(keys: readonly string[]) {
  const graph = createGraph();
  const source = graph.source<number>('numbers');
  for (const [position, key] of keys.entries()) source.set(key, position);
  const doubled = graph.derive('doubled', (key: string) => (source.get(key) ?? 0) * 2);
  const told: string[] = [];
  const watch = watchEach(graph, source, doubled, {
    onValue: (key, value, before) => told.push(`${key} ${before ?? 'new'} ${value}`),
    onGone: (key, last) => told.push(`${key} gone ${last}`),
  });
  const next = (): string[] => told.splice(0);
  return { graph, source, watch, next };
}

test('each key is told of with its value, when it comes, changes and goes', () => {
  const { source, next } = follow(['b', 'd']);
  assert.deepEqual(next(), ['b new 0', 'd new 2']);
  source.set('c', 5);
  source.set('d', 7);
  source.set('b', 0);
  assert.deepEqual(next(), ['c new 10', 'd 2 14']);
  source.delete('b');
  source.set('a', 1);
  source.delete('d');
  assert.deepEqual(next(), ['b gone 0', 'a new 2', 'd 14 0', 'd gone 0']);
});

test('of one batch what has gone is told first', () => {
  const { graph, source, next } = follow(['a', 'b', 'c']);
  next();
  graph.batch(() => {
    source.set('0', 4);
    source.set('bb', 3);
    source.delete('a');
    source.delete('c');
  });
  assert.deepEqual(next(), ['a gone 0', 'c gone 4', '0 new 8', 'bb new 6']);
});

test('a key that goes and comes again in one batch has done neither', () => {
  const { graph, source, next } = follow(['a', 'b']);
  next();
  graph.batch(() => {
    source.delete('a');
    source.set('a', 4);
    source.set('c', 1);
    source.delete('c');
  });
  assert.deepEqual(next(), ['a 0 8']);
});

test('one key more is derived once, and the others not again', () => {
  const { graph, source } = follow(Array.from({ length: 100 }, (_, index) => `key-${index}`));
  const before = graph.stats().recomputed.doubled ?? 0;
  source.set('key-more', 1);
  assert.equal((graph.stats().recomputed.doubled ?? 0) - before, 1);
});

test('after the end nothing is told', () => {
  const { source, watch, next } = follow(['a']);
  next();
  watch.stop();
  source.set('a', 3);
  source.set('b', 3);
  source.delete('a');
  assert.deepEqual(next(), []);
});
