// Which policies a control plane serves.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import { choosePolicies } from '../src/custom-policies/choose-policies.ts';
import { loadCustomPolicies } from '../src/custom-policies/load-policies.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-custom-policies-'));
after(() => rmSync(folder, { recursive: true }));

const [first, second] = builtinPolicies;
assert.ok(first !== undefined && second !== undefined);
const own = { ...first, name: 'MeshOwn' };

test('all built-in policies are served, users own ones after them', () => {
  assert.deepEqual(choosePolicies({ builtin: builtinPolicies, custom: [own], enabled: [] }), [...builtinPolicies, own]);
});

test('the setting keeps those that it names, by any name, in their order', () => {
  const enabled = [second.resourceType.path, first.name, first.resourceType.shortName.toUpperCase()];
  assert.deepEqual(choosePolicies({ builtin: builtinPolicies, custom: [own], enabled }), [first, second, own]);
});

test('unknown and taken names are refused with the setting and what is near', () => {
  assert.throws(
    () => choosePolicies({ builtin: builtinPolicies, custom: [], enabled: ['meshtimeoots'] }),
    /KUMA_PLUGIN_POLICIES_ENABLED: there is no policy "meshtimeoots"; did you mean "meshtimeouts"/,
  );
  assert.throws(
    () => choosePolicies({ builtin: builtinPolicies, custom: [first], enabled: [] }),
    /KUMA_PLUGIN_POLICIES_CUSTOM: .* is a built-in policy; give the policy another name/,
  );
  assert.throws(() => choosePolicies({ builtin: [], custom: [own, own], enabled: [] }), /MeshOwn is defined twice/);
});

test('what is not there, does not load or holds no policy is named', async () => {
  const broken = join(folder, 'broken.ts');
  writeFileSync(broken, "import { nothing } from '@ursa/policy';\nexport const value = nothing;\n");
  const empty = join(folder, 'empty.ts');
  writeFileSync(empty, 'export const value = 1;\n');
  await assert.rejects(loadCustomPolicies([join(folder, 'none')]), /none holds no policy; expected a module/);
  await assert.rejects(loadCustomPolicies([broken]), /broken\.ts could not be loaded: .*nothing/);
  await assert.rejects(loadCustomPolicies([empty]), /empty\.ts exports no policy/);
});
