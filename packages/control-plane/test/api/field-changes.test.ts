// Differences of JSON values: by name where there are names, by position where there are none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldChanges } from '../../src/api/diff/field-changes.ts';

test('fields that changed, came and went', () => {
  assert.deepEqual(fieldChanges({ a: 1, b: { c: 2 }, d: 3 }, { a: 1, b: { c: 4 }, e: 5 }), [
    { path: 'b.c', before: 2, after: 4 },
    { path: 'd', before: 3 },
    { path: 'e', after: 5 },
  ]);
});

test('items with names are told by them, and a new order is told', () => {
  const before = { routes: [{ name: 'a', timeout: '1s' }, { name: 'b' }] };
  const after = { routes: [{ name: 'b' }, { name: 'a', timeout: '2s' }, { name: 'c' }] };
  assert.deepEqual(fieldChanges(before, after), [
    { path: 'routes[a].timeout', before: '1s', after: '2s' },
    { path: 'routes[c]', after: { name: 'c' } },
    { path: 'routes (order)', before: 'a, b', after: 'b, a' },
  ]);
});

test('items without names are told by position, those that only moved not at all', () => {
  assert.deepEqual(fieldChanges(['a', 'b'], ['b', 'c', 'd']), [
    { path: '[0]', before: 'a', after: 'c' },
    { path: '[2]', after: 'd' },
  ]);
});
