import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeType } from '../src/index.ts';
import { types } from './registry.ts';

test('fields are described by path, type, default and whether they are required', () => {
  const type = types.byName('MeshService');
  assert.ok(type);
  const rows = new Map(describeType(type).map((row) => [row.field, row]));
  assert.equal(rows.get('spec.ports')?.type, 'list of object');
  assert.deepEqual(rows.get('spec.ports[].port'), {
    field: 'spec.ports[].port',
    type: 'integer',
    required: true,
    fallback: undefined,
    description: '',
  });
  assert.equal(rows.get('spec.ports[].appProtocol')?.fallback, 'tcp');
  assert.equal(rows.get('spec.ports[].targetPort')?.type, 'integer or text');
  assert.equal(rows.get('spec.state')?.type, 'one of Available, Unavailable');
  assert.equal(rows.get('spec.selector.dataplaneTags')?.type, 'map of text');
});

test('every type can be described', () => {
  for (const type of types.all) {
    const rows = describeType(type);
    assert.equal(new Set(rows.map((row) => row.field)).size, rows.length, type.name);
    if (type.name !== 'Workload') assert.ok(rows.length > 0, type.name);
  }
});
