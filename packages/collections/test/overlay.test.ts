import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph, createInterner, overlay } from '../src/index.ts';

test('an overlay shows the drafts and reads through to the base', () => {
  const graph = createGraph();
  const base = graph.source<string>('base');
  base.set('a', 'red');
  base.set('b', 'red');
  base.set('c', 'blue');
  const drafts = new Map<string, string | undefined>([
    ['a', undefined],
    ['c', 'red'],
    ['d', 'red'],
  ]);
  const view = overlay(base, drafts);
  const byColour = view.index('colour', (colour) => [colour]);
  assert.deepEqual(view.keys(), ['b', 'c', 'd']);
  assert.deepEqual([view.get('a'), view.get('b'), view.get('c')], [undefined, 'red', 'red']);
  assert.deepEqual(byColour.get('red'), ['b', 'c', 'd']);
  assert.deepEqual(byColour.get('blue'), []);
  assert.deepEqual(base.keys(), ['a', 'b', 'c']);
});

test('what is derived from an overlay follows the base', () => {
  const graph = createGraph();
  const base = graph.source<number>('base');
  const view = overlay(base, new Map([['draft', 1]]));
  const sum = graph.derive('sum', () => view.keys().reduce((total, key) => total + (view.get(key) ?? 0), 0));
  assert.equal(sum.get(), 1);
  base.set('real', 10);
  base.set('draft', 100);
  assert.equal(sum.get(), 11);
});

test('interned values with equal content are one frozen object', () => {
  const interner = createInterner();
  const first = interner.intern({ name: 'a', parts: [1, 2] });
  assert.equal(interner.intern({ name: 'a', parts: [1, 2] }), first);
  assert.notEqual(interner.intern({ name: 'a', parts: [2, 1] }), first);
  assert.ok(Object.isFrozen(first.parts));
  assert.equal(interner.size, 2);
});
