import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { TargetRef } from '@ursa/resources';
import fc from 'fast-check';
import { mergeFromSubsets, mergeSubsets, type SubsetRule, subsetRuleFor } from '../src/index.ts';
import { entry, policy } from './small-policies.ts';

type Tags = Readonly<Record<string, string>>;

const subset = (tags: Tags): TargetRef => ({ kind: 'MeshSubset', tags });

test('clients get the conf of every entry that speaks of them, the narrower one last', () => {
  const head = policy('some', {
    from: [
      entry({ kind: 'Mesh' }, { action: 'Deny' }),
      entry({ kind: 'MeshService', name: 'web' }, { action: 'Allow' }),
    ],
  });
  const rules = mergeFromSubsets([head], {}) ?? [];
  assert.deepEqual(confFor(rules, { 'kuma.io/service': 'web' }), { action: 'Allow' });
  assert.deepEqual(confFor(rules, { 'kuma.io/service': 'other' }), { action: 'Deny' });
  assert.deepEqual(confFor(rules, {}), { action: 'Deny' });
});

const anyTags = fc.dictionary(fc.constantFrom('app', 'env', 'zone'), fc.constantFrom('a', 'b'), { maxKeys: 2 });

// Parts of different groups may overlap, so that a client can be in several of them; one of them is exact.
test('for any entries one of the parts that hold a client has exactly the conf of the entries that select it', () => {
  fc.assert(
    fc.property(fc.array(anyTags, { minLength: 1, maxLength: 5 }), anyTags, (selectors, client) => {
      const entries = selectors.map((tags, position) => entry(subset(tags), { [`by${position}`]: position }));
      const rules = mergeFromSubsets([policy('some', { from: entries })], {});
      assert.ok(rules);
      const selecting = entries.filter((_, position) => covers(selectors[position] ?? {}, client));
      const expected = Object.assign({}, ...selecting.map((item) => item.default));
      const confs = rules.filter((rule) => subsetRuleFor([rule], client) !== undefined).map((rule) => rule.conf);
      if (selecting.length === 0) assert.deepEqual(confs, []);
      else assert.ok(confs.some((conf) => isDeepStrictEqual(conf, expected)));
    }),
    { numRuns: 300 },
  );
});

test('rules with more tags come first', () => {
  const head = policy('some', {
    from: [entry(subset({}), 1), entry(subset({ app: 'a' }), 2), entry(subset({ app: 'a', env: 'b' }), 3)],
  });
  const counts = (mergeFromSubsets([head], {}) ?? []).map((rule) => rule.subset.filter((tag) => !tag.not).length);
  assert.deepEqual(
    counts,
    counts.toSorted((first, second) => second - first),
  );
});

test('lists of destinations are not cut along what they leave out', () => {
  const head = policy('some');
  const entries = [
    { head, targetRef: { kind: 'Mesh' } as const, conf: { all: 1 } },
    { head, targetRef: { kind: 'MeshService', name: 'web' } as const, conf: { web: 1 } },
  ];
  const rules = mergeSubsets(entries, { negations: false }) ?? [];
  assert.deepEqual(
    rules.map(({ conf }) => conf),
    [{ all: 1, web: 1 }, { all: 1 }],
  );
});

test('references that would cut the space into very many parts are given up, soon', () => {
  const entries = Array.from({ length: 24 }, (_, position) => entry(subset({ [`key-${position}`]: 'value' }), {}));
  assert.equal(mergeFromSubsets([policy('some', { from: entries })], {}), undefined);
});

// Each of these makes a careless search try very many ways; the test ends in time only when none does.
test('very many references are merged or given up, soon', () => {
  const many = (count: number, tagsAt: (index: number) => Tags) =>
    mergeFromSubsets(
      [policy('some', { from: Array.from({ length: count }, (_, index) => entry(subset(tagsAt(index)), {})) })],
      {},
    );
  assert.equal(
    many(20_000, (index) => ({ [`key-${index}`]: 'value' })),
    undefined,
  );
  assert.equal(
    many(5_000, () => ({ app: 'web' })),
    undefined,
  );
  assert.equal(
    many(3_000, (index) => ({ [`a${index % 50}`]: `${index % 7}`, [`b${index % 31}`]: `${index % 5}` })),
    undefined,
  );
  assert.equal(many(2_000, (index) => ({ 'kuma.io/service': `web-${index}` }))?.length, 2_000);
});

test('policies that contributed are named, each once', () => {
  const weak = policy('b', { from: [entry({ kind: 'Mesh' }, { one: 1 }), entry({ kind: 'Mesh' }, { one: 2 })] });
  const strong = policy('a', { from: [entry({ kind: 'Mesh' }, { two: 1 })] });
  const [rule] = mergeFromSubsets([weak, strong], {}) ?? [];
  assert.deepEqual(
    rule?.origins.map((head) => head.name),
    ['b', 'a'],
  );
});

function confFor(rules: readonly SubsetRule[], tags: Tags): unknown {
  return subsetRuleFor(rules, tags)?.conf;
}

function covers(selector: Tags, tags: Tags): boolean {
  return Object.entries(selector).every(([key, value]) => tags[key] === value);
}
