import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '../src/index.ts';

test('a derivation runs only when a value that it read has changed', () => {
  const graph = createGraph();
  const prices = graph.source<number>('prices');
  const double = graph.derive('double', (key: string) => (prices.get(key) ?? 0) * 2);
  graph.batch(() => {
    prices.set('apple', 1);
    prices.set('pear', 5);
  });
  const seen: number[] = [];
  const watch = graph.watch(double, ['apple'], (value) => seen.push(value));
  assert.equal(watch.value, 2);
  prices.set('pear', 6);
  prices.set('apple', 1);
  assert.deepEqual(seen, []);
  prices.set('apple', 3);
  assert.deepEqual(seen, [6]);
  assert.equal(graph.stats().recomputed.double, 2);
});

test('an equal result keeps its identity and stops the wave', () => {
  const graph = createGraph();
  const words = graph.source<string>('words');
  const lengths = graph.derive('lengths', () => words.keys().map((key) => words.get(key)?.length ?? 0));
  const total = graph.derive('total', () => lengths.get().reduce((sum, length) => sum + length, 0));
  words.set('first', 'one');
  graph.watch(total, [], () => assert.fail('nothing changed'));
  const before = lengths.get();
  words.set('first', 'two');
  assert.equal(lengths.get(), before);
  assert.deepEqual(graph.stats().recomputed, { lengths: 2, total: 1 });
});

test('a batch computes every result at most once, in dependency order', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const left = graph.derive('left', () => (input.get('x') ?? 0) + 1);
  const right = graph.derive('right', () => left.get() * 10);
  const both = graph.derive('both', () => left.get() + right.get());
  input.set('x', 1);
  const seen: number[] = [];
  graph.watch(both, [], (value) => seen.push(value));
  graph.batch(() => {
    for (let value = 2; value < 50; value++) input.set('x', value);
  });
  assert.deepEqual(seen, [550]);
  assert.deepEqual(graph.stats().recomputed, { left: 2, right: 2, both: 2 });
});

test('reading the keys tracks membership, not values', () => {
  const graph = createGraph();
  const items = graph.source<number>('items');
  const count = graph.derive('count', () => items.keys().length);
  items.set('b', 1);
  graph.watch(count, [], () => {});
  items.set('b', 2);
  assert.equal(graph.stats().recomputed.count, 1);
  items.set('a', 1);
  assert.deepEqual(items.keys(), ['a', 'b']);
  items.delete('b');
  assert.equal(graph.stats().recomputed.count, 3);
});

test('reading a bucket tracks the membership of that bucket only', () => {
  const graph = createGraph();
  const animals = graph.source<{ kind: string; name: string }>('animals');
  const byKind = animals.index('kind', (animal) => [animal.kind]);
  const cats = graph.derive('cats', () => byKind.get('cat'));
  graph.watch(cats, [], () => {});
  animals.set('1', { kind: 'dog', name: 'Rex' });
  assert.equal(graph.stats().recomputed.cats, 1);
  animals.set('2', { kind: 'cat', name: 'Tom' });
  animals.set('2', { kind: 'cat', name: 'Kit' });
  assert.equal(graph.stats().recomputed.cats, 2);
  animals.set('2', { kind: 'dog', name: 'Kit' });
  assert.deepEqual(cats.get(), []);
  assert.deepEqual(byKind.get('dog'), ['1', '2']);
});

test('an index asked for late knows what was there before', () => {
  const graph = createGraph();
  const animals = graph.source<string>('animals');
  animals.set('1', 'cat');
  const index = animals.index('itself', (animal) => [animal]);
  assert.deepEqual(index.get('cat'), ['1']);
  assert.equal(
    animals.index('itself', () => []),
    index,
  );
});

test('a value that cannot be indexed is stored all the same, with everything else of its batch, and whoever ends the batch is told', () => {
  const told: string[] = [];
  const graph = createGraph({ onError: (error, where) => told.push(`${where}: ${String(error)}`) });
  const words = graph.source<string>('words');
  const index = words.index('first letter', (word) => {
    if (word === '') throw new Error('empty');
    return [word.charAt(0)];
  });
  graph.batch(() => {
    words.set('bad', '');
    words.set('good', 'apple');
  });
  assert.deepEqual(told, ['index first letter of words of bad: Error: empty']);
  assert.deepEqual([words.get('bad'), index.get('a')], ['', ['good']]);
  words.set('bad', 'avocado');
  assert.deepEqual(index.get('a'), ['bad', 'good']);
});

test('derivations of equal arguments share one result; objects count by identity', () => {
  const graph = createGraph();
  const shared = { limit: 3 };
  const twice = graph.derive('twice', (conf: { limit: number }, factor: number) => conf.limit * factor);
  const asked = graph.derive('asked', (name: string) => `${name}: ${twice.get(shared, 2)}`);
  assert.deepEqual([asked.get('a'), asked.get('b')], ['a: 6', 'b: 6']);
  assert.equal(graph.stats().recomputed.twice, 1);
  twice.get({ limit: 3 }, 2);
  assert.equal(graph.stats().recomputed.twice, 2);
});

test('a derivation that throws is remembered, rethrown and tried again after a change; others go on', () => {
  const errors: unknown[] = [];
  const graph = createGraph({ onError: (error) => errors.push(error) });
  const input = graph.source<number>('input');
  const strict = graph.derive('strict', () => {
    const value = input.get('x') ?? 0;
    if (value < 0) throw new Error(`negative: ${value}`);
    return value;
  });
  const calm = graph.derive('calm', () => (input.get('x') ?? 0) + 1);
  const seen: string[] = [];
  graph.watch(strict, [], (value) => seen.push(`strict ${value}`));
  graph.watch(calm, [], (value) => seen.push(`calm ${value}`));
  input.set('x', -1);
  assert.throws(() => strict.get(), /negative: -1/);
  assert.throws(() => strict.get(), /negative: -1/);
  assert.equal(graph.stats().recomputed.strict, 2);
  input.set('x', 4);
  assert.deepEqual(seen, ['calm 0', 'strict 4', 'calm 5']);
  assert.equal(errors.length, 1);
});

test('an error of a watch reaches whoever closed the batch, after the other watches have run', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const value = graph.derive('value', () => input.get('x'));
  let ran = false;
  graph.watch(value, [], () => {
    throw new Error('broken watch');
  });
  graph.watch(value, [], () => {
    ran = true;
  });
  assert.throws(() => input.set('x', 1), /broken watch/);
  assert.ok(ran);
  assert.equal(value.get(), 1);
});

test('a cycle is refused with the names on it', () => {
  const graph = createGraph();
  const on = graph.source<boolean>('on');
  const egg: { get(): number } = graph.derive('egg', () => (on.get('cycle') === true ? hen.get() : 1));
  const hen = graph.derive('hen', () => egg.get() + 1);
  assert.equal(hen.get(), 2);
  on.set('cycle', true);
  assert.throws(() => hen.get(), /must not depend on themselves: hen → egg → hen/);
  on.set('cycle', false);
  assert.equal(hen.get(), 2);
});

test('a derivation must not write, and a write outside a batch is one', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const bad = graph.derive('bad', () => input.set('x', 1));
  assert.throws(() => bad.get(), /the derivation bad must not write/);
  assert.equal(input.get('x'), undefined);
});

test('a watch may write: its change is seen before the batch ends', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const output = graph.source<number>('output');
  const copied = graph.derive('copied', () => output.get('x'));
  const wanted = graph.derive('wanted', () => input.get('x') ?? 0);
  const seen: unknown[] = [];
  graph.watch(wanted, [], (value) => output.set('x', value));
  graph.watch(copied, [], (value) => seen.push(value));
  input.set('x', 7);
  assert.deepEqual(seen, [7]);
});

test('a stopped watch is silent, and results that nobody needs are dropped with the next batch', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const part = graph.derive('part', (key: string) => input.get(key) ?? 0);
  const whole = graph.derive('whole', (key: string) => part.get(key) + 1);
  const watch = graph.watch(whole, ['x'], () => assert.fail('stopped'));
  assert.equal(whole.get('y'), 1);
  assert.deepEqual(graph.stats().kept, { part: 2, whole: 2 });
  watch.stop();
  input.set('x', 1);
  assert.deepEqual(graph.stats().kept, { part: 0, whole: 0 });
  assert.equal(whole.get('x'), 2);
});

test('reads from outside keep a bounded number of results between batches', () => {
  const graph = createGraph();
  const square = graph.derive('square', (value: number) => value * value);
  for (let value = 0; value < 5000; value++) square.get(value);
  assert.ok((graph.stats().kept.square ?? 0) <= 1024);
});

test('a long chain is brought up to date without deep recursion', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const chain: { get(position: number): number } = graph.derive('chain', (position: number) =>
    position === 0 ? (input.get('x') ?? 0) : chain.get(position - 1) + 1,
  );
  const watches = [];
  for (let position = 0; position < 20000; position++) watches.push(chain.get(position));
  const last = graph.derive('last', () => chain.get(19999));
  graph.watch(last, [], () => {});
  input.set('x', 1);
  assert.equal(last.get(), 20000);
});

test('a cell that one reader leaves while another is just reading it stays connected', () => {
  const graph = createGraph();
  const input = graph.source<number>('input');
  const fickle = graph.derive('fickle', () => (input.get('mode') === 1 ? 0 : (input.get('missing') ?? 0)));
  const outer = graph.derive('outer', () => (input.get('mode') === 1 ? (input.get('missing') ?? 0) : 0) + fickle.get());
  const seen: number[] = [];
  graph.watch(outer, [], (value) => seen.push(value));
  input.set('mode', 1);
  input.set('missing', 5);
  assert.deepEqual(seen, [5]);
});
