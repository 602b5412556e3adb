// Examples in the policies' READMEs: each is accepted, and where a policy has an effect each is a scenario.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, parseResource } from '@ursa/resources';
import { parse } from 'yaml';
import { builtinPolicies, policyResourceTypes } from '../src/index.ts';

const source = join(import.meta.dirname, '../src');
const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
const files = globSync('*/README.md', { cwd: source }).sort();

function examples(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example);
}

function scenarios(file: string): string[] {
  const meshes = globSync('scenarios/*/mesh.yaml', { cwd: join(source, dirname(file)) });
  return meshes.map((mesh) => readFileSync(join(source, dirname(file), mesh), 'utf8'));
}

test('every policy has a README with an example', () => {
  const kinds = files.flatMap((file) => examples(file).map((example) => (parse(example) as { type: string }).type));
  assert.deepEqual([...new Set(kinds)].sort(), builtinPolicies.map((policy) => policy.name).sort());
});

for (const file of files) {
  test(`${dirname(file)}: examples are accepted, and are scenarios where the policy has an effect`, () => {
    for (const example of examples(file)) {
      const { type } = parseResource(types, parse(example));
      const policy = builtinPolicies.find((candidate) => candidate.name === type);
      const hasEffect = policy?.routing !== undefined || Object.keys(policy?.hooks ?? {}).length > 0;
      const isScenario = scenarios(file).some((mesh) => mesh.endsWith(example));
      assert.equal(isScenario, hasEffect, example);
    }
  });
}
