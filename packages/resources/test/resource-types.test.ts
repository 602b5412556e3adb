import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes } from '../src/index.ts';

const types = createResourceTypes(coreResourceTypes);

test('a type is found by its path, its short name, its singular and plural, in any case', () => {
  for (const name of ['CircuitBreaker', 'circuit-breaker', 'circuit-breakers', 'circuitbreakers', 'CIRCUITBREAKER']) {
    assert.equal(types.byAnyName(name)?.name, 'CircuitBreaker', name);
  }
  assert.equal(types.byAnyName('zi')?.name, 'ZoneIngress');
  assert.equal(types.byPath('zone-ingresses')?.name, 'ZoneIngress');
  assert.equal(types.byPath('globalsecrets')?.name, 'GlobalSecret');
  assert.equal(types.byPath('constructor'), undefined);
});

test('registering a type twice is refused', () => {
  assert.throws(() => createResourceTypes([...coreResourceTypes, ...coreResourceTypes]), /registered twice/);
});
