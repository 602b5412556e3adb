import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeConfs } from '../src/index.ts';

type Conf = Readonly<Record<string, unknown>>;

const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
const fieldName = fc.constantFrom('alpha', 'beta', 'gamma');
const anyConf: fc.Arbitrary<Conf> = fc.dictionary(fieldName, fc.oneof(leaf, fc.dictionary(fieldName, leaf)));

test('the later conf wins field by field', () => {
  assert.deepEqual(mergeConfs([{ idle: '1h', http: { request: '15s', stream: '1m' } }, { http: { request: '1s' } }]), [
    { idle: '1h', http: { request: '1s', stream: '1m' } },
  ]);
});

test('merging a conf with itself or with its own result changes nothing', () => {
  fc.assert(
    fc.property(fc.array(anyConf, { minLength: 1, maxLength: 4 }), (confs) => {
      const [merged = {}] = mergeConfs(confs);
      assert.deepEqual(mergeConfs([merged, merged]), [merged]);
      assert.deepEqual(mergeConfs([...confs, merged]), [merged]);
    }),
  );
});

test('every field of the last conf is in the result', () => {
  fc.assert(
    fc.property(fc.array(anyConf, { maxLength: 3 }), anyConf, (confs, last) => {
      const [merged = {}] = mergeConfs([...confs, last]);
      assert.deepEqual(mergeConfs([merged, last]), [merged]);
    }),
  );
});

test('confs merged in two steps are as confs merged in one', () => {
  fc.assert(
    fc.property(fc.array(anyConf, { minLength: 1 }), fc.array(anyConf), (first, second) => {
      assert.deepEqual(mergeConfs([...mergeConfs(first), ...second]), mergeConfs([...first, ...second]));
    }),
  );
});

test('equal results are one frozen object, so that what depends on a conf compares by identity', () => {
  const [first] = mergeConfs([{ one: 1, nested: { two: 2 } }]);
  const [second] = mergeConfs([{ one: 0, nested: { two: 2 } }, { one: 1 }]);
  assert.equal(first, second);
  assert.throws(() => Object.assign(first?.nested ?? {}, { two: 3 }), TypeError);
});

test('a list replaces a list, unless its name says that it appends', () => {
  const confs = [
    { values: [1], appendValues: [1] },
    { values: [2], appendValues: [2] },
  ];
  assert.deepEqual(mergeConfs(confs), [{ values: [2], appendValues: [1, 2] }]);
});

test('null takes a field away', () => {
  assert.deepEqual(mergeConfs<Conf>([{ http: { request: '1s' }, idle: '1h' }, { http: null }]), [{ idle: '1h' }]);
});

test('items with the same key are merged, the stronger first', () => {
  const options = { mergeByKey: { list: 'rules', key: 'matches' } };
  const weak = { rules: [item('/a', { timeout: 1, retry: 1 }), item('/b', { timeout: 1 })] };
  const strong = { rules: [item('/c', { timeout: 2 }), item('/a', { timeout: 2 })] };
  assert.deepEqual(mergeConfs<Conf>([weak, strong], options), [
    { rules: [item('/c', { timeout: 2 }), item('/a', { timeout: 2, retry: 1 }), item('/b', { timeout: 1 })] },
  ]);
});

test('confs split by a list of values give one conf for each value', () => {
  const confs = [
    { hosts: ['a', 'b'], limit: 1 },
    { hosts: ['b'], limit: 2 },
  ];
  assert.deepEqual(mergeConfs(confs, { splitBy: 'hosts' }), [
    { hosts: ['a'], limit: 1 },
    { hosts: ['b'], limit: 2 },
  ]);
});

test('a field named like a part of every object is only a field', () => {
  const hostile = JSON.parse('{"tags": {"__proto__": {"polluted": true}, "constructor": {"polluted": true}}}') as Conf;
  mergeConfs([hostile, hostile]);
  assert.equal('polluted' in {}, false);
});

function item(path: string, conf: unknown): unknown {
  return { matches: [{ path }], default: conf };
}
