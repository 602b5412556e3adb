import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toJson } from '@bufbuild/protobuf';
import { Matcher_MatcherList_PredicateSchema } from '../gen/xds/type/matcher/v3/matcher_pb.ts';
import { type ClientCondition, clientPredicate, registry } from '../src/index.ts';

/** How values are compared, in the order of the predicate. */
function comparisons(condition: ClientCondition): readonly string[] {
  const predicate = clientPredicate(condition, 'default');
  if (predicate === undefined) return [];
  const schema = Matcher_MatcherList_PredicateSchema;
  const text = JSON.stringify(toJson(schema, create(schema, predicate), { registry }));
  return [...text.matchAll(/"(exact|prefix|contains)":"([^"]*)"/g)].map(([, how, value]) => `${how} ${value}`);
}

test("an identity of the mesh's own authority is found in certificates with more names", () => {
  const web = { type: 'Exact', value: 'spiffe://default/web' } as const;
  assert.deepEqual(comparisons({ spiffeID: web }), [
    'exact spiffe://default/web',
    'prefix spiffe://default/web,',
    'contains ,spiffe://default/web,',
  ]);
  const below = (value: string) => comparisons({ spiffeID: { type: 'Prefix', value } });
  assert.deepEqual(below('spiffe://default/'), ['prefix spiffe://default/']);
  assert.deepEqual(below('spiffe://default/web'), ['prefix spiffe://default/web', 'contains ,spiffe://default/web']);
});

test('an identity of another trust domain is the whole name', () => {
  const other = { type: 'Exact', value: 'spiffe://default.east/web' } as const;
  assert.deepEqual(comparisons({ spiffeID: other, sni: { value: 'api' } }), [
    'exact spiffe://default.east/web',
    'exact api',
  ]);
});

test('a condition that names nothing is none', () => {
  assert.deepEqual(comparisons({}), []);
});
