// Values on both sides of the line that Envoy draws are taken and refused as by Envoy, at their field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { policyResourceTypes } from '../src/index.ts';
import { borderValues } from './border-values.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

function refusedFields(type: string, spec: object): readonly string[] {
  try {
    const inline = types.byName(type)?.specForm === 'inline';
    parseResource(types, { type, mesh: 'default', name: 'one', ...(inline ? spec : { spec }) });
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return [...new Set(error.violations.map(({ field }) => field))];
  }
}

for (const type of new Set(borderValues.map((value) => value.type))) {
  test(`${type}: what Envoy takes is taken, what it refuses is refused`, () => {
    for (const { what, spec, refusedAt } of borderValues.filter((value) => value.type === type)) {
      assert.deepEqual(refusedFields(type, spec), refusedAt === undefined ? [] : [refusedAt], `${type}: ${what}`);
    }
  });
}
