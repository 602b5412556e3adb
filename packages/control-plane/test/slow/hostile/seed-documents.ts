// Valid documents of every type that users write: the examples of all types, and what the scenarios of policies and engine are made of.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYamlDocuments, type ResourceTypes } from '@ursa/resources';
import { exampleOf, exampleTypes } from '../../../../resources/test/examples.ts';

const packages = join(import.meta.dirname, '../../../..');

/** A document as JSON. */
export type SeedDocument = Readonly<Record<string, unknown>>;

/** By type; each has at least one. */
export function seedDocuments(types: ResourceTypes): ReadonlyMap<string, readonly SeedDocument[]> {
  const seeds = new Map<string, SeedDocument[]>();
  const add = (document: SeedDocument): void => {
    const type = String(document.type);
    const known = seeds.get(type) ?? [];
    seeds.set(type, known);
    known.push(document);
  };
  for (const name of exampleTypes) {
    const type = types.byName(name);
    if (type !== undefined) add(exampleOf(name, type.specForm, type.scope));
  }
  for (const pattern of ['policies/src/*/scenarios/*/mesh.yaml', 'engine/**/scenarios/*/mesh.yaml']) {
    for (const file of globSync(pattern, { cwd: packages })) {
      const text = readFileSync(join(packages, file), 'utf8');
      for (const { value } of parseYamlDocuments(text, { source: file })) add(value as SeedDocument);
    }
  }
  return seeds;
}
