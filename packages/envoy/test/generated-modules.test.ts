// Modules made from descriptors export what the generated ones do.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { generatedModule, generatedModuleNames } from '../src/index.ts';

const folder = join(import.meta.dirname, '..', 'gen');
const generated = globSync('envoy/config/**/*_pb.ts', { cwd: folder }).map((name) => name.split(sep).join('/'));

test('every generated module has the same names and the same enumerations', async () => {
  assert.ok(generated.length > 20);
  const known = new Set(generatedModuleNames());
  for (const name of generated) {
    // `v2` and drafts are no part of the table.
    if (!known.has(name)) continue;
    const written: Record<string, unknown> = await import(join(folder, name));
    const made = generatedModule(name);
    const wanted = Object.keys(written).filter((key) => !key.startsWith('file_'));
    for (const key of wanted) assert.ok(made?.[key] !== undefined, `${name} lacks ${key}`);
    for (const key of wanted.filter((candidate) => !candidate.endsWith('Schema')))
      assert.deepEqual(made?.[key], { ...(written[key] as object) }, `${name}: ${key}`);
  }
});

test('there is no module of another name', () => {
  assert.equal(generatedModule('envoy/nothing/v3/nothing_pb.ts'), undefined);
});
