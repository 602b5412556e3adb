import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes } from '@ursa/resources';
import { builtinPolicies, policyResourceTypes } from '../src/index.ts';

test('every policy has a name, a short name and a path of its own', () => {
  const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
  for (const { name, resourceType } of builtinPolicies) {
    assert.equal(types.byName(name), resourceType);
    assert.equal(types.byPath(resourceType.path), resourceType);
  }
  const shortNames = policyResourceTypes.map((type) => type.shortName);
  assert.equal(new Set(shortNames).size, shortNames.length);
});

test('every policy says in one sentence what it does', () => {
  for (const { name, summary } of builtinPolicies) assert.match(summary, /^[A-Z][^.]*\.$/, name);
});
