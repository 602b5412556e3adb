// Every form in which a policy can name proxies, destinations and clients is shown by a scenario of its folder: what it does, or, where it
// cannot do anything yet (built-in gateways, external services), that it leaves proxies as they are.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { builtinPolicies } from '../src/index.ts';
import { acceptedForms, usedForms } from './accepted-forms.ts';

const source = join(import.meta.dirname, '../src');

/** Name of a policy's folder: its name in words. */
const folderOf = (name: string) => name.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();

function shownForms(name: string): ReadonlySet<string> {
  const meshes = globSync('scenarios/*/mesh.yaml', { cwd: join(source, folderOf(name)) });
  const documents = meshes.flatMap((mesh) =>
    parseAllDocuments(readFileSync(join(source, folderOf(name), mesh), 'utf8')).map((document) => document.toJS()),
  ) as { type: string; spec?: object }[];
  return new Set(documents.flatMap(({ type, spec }) => (type === name ? usedForms(spec ?? {}) : [])));
}

for (const policy of builtinPolicies) {
  test(`${policy.name}: every form it takes has a scenario`, () => {
    const forms = acceptedForms(policy);
    assert.ok(forms.includes('targetRef Mesh'), forms.join(', '));
    const shown = shownForms(policy.name);
    assert.deepEqual(
      forms.filter((form) => !shown.has(form)),
      [],
    );
  });
}
