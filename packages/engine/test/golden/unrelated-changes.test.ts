// What does not concern the proxies of a mesh leaves their configuration as it is, the very same object: recorded cases of the peer's, where its cache of a mesh stays.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createWorld } from '../world.ts';

const set = join(import.meta.dirname, '../../../../../shared/conformance/golden/xds-context-change');

interface Case {
  readonly id: string;
  readonly scope: string;
  readonly input: string;
  readonly change: string;
  readonly mustChange: boolean;
  readonly mesh?: string;
}

interface Document {
  readonly type: string;
  readonly mesh?: string;
  readonly name: string;
}

const documentsOf = (file: string): readonly Document[] =>
  parseAllDocuments(readFileSync(join(set, file), 'utf8')).flatMap((document) => (document.toJS() as Document) ?? []);

// Where the peer's must change, ours may: it follows from what was read. The base of a mesh knows no proxies, and is no part of its own here.
const cases = existsSync(set)
  ? (JSON.parse(readFileSync(join(set, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] }).cases
  : [];
const unrelated = cases.filter(({ mustChange, scope }) => !mustChange && scope !== 'basemeshcontext');

test('what does not concern the proxies of a mesh changes nothing of theirs', {
  skip: cases.length === 0 && 'the conformance corpus is not beside the repository',
}, () => {
  let compared = 0;
  for (const { id, input, change, mesh } of unrelated) {
    const world = createWorld();
    const before = documentsOf(input);
    for (const document of before) world.apply(document);
    world.settle();
    const keys = before.flatMap((document) =>
      document.type === 'Dataplane' && (mesh === undefined || document.mesh === mesh)
        ? [world.connect(document.mesh ?? '', document.name)]
        : [],
    );
    const configs = keys.map((key) => world.engine.config.get(key));
    // Configuration of the control plane itself is no resource of a mesh.
    for (const document of documentsOf(change)) if (document.type !== 'Config') world.apply(document);
    for (const [index, key] of keys.entries()) {
      assert.ok(world.engine.config.get(key) === configs[index], `${id}: ${key}`);
      if (configs[index] !== undefined) compared += 1;
    }
  }
  assert.ok(compared > 0);
});
