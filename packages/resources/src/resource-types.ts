// The registry: all resource types of a control plane or CLI, found by any of their names.
import { MeshError } from './error.ts';
import type { ResourceTypes, TypeHandle } from './resource-type.ts';
import { typeNames } from './type-names.ts';

/** Joins types into a registry. Order is kept. Throws `MeshError` 'internal' when two types share a name or a path. */
export function createResourceTypes<Entry extends TypeHandle>(types: readonly Entry[]): ResourceTypes<Entry> {
  const byName = new Map<string, Entry>();
  const byPath = new Map<string, Entry>();
  const byAnyName = new Map<string, Entry>();
  for (const type of types) {
    if (byName.has(type.name) || byPath.has(type.path)) {
      throw new MeshError('internal', `resource type ${type.name} (path ${type.path}) is registered twice`);
    }
    byName.set(type.name, type);
    byPath.set(type.path, type);
  }
  for (const type of types) {
    const names = typeNames(type.name);
    if (!byPath.has(names.hyphenatedPath)) byPath.set(names.hyphenatedPath, type);
    for (const alias of [
      type.name,
      type.shortName,
      type.path,
      names.singular,
      names.plural,
      ...hyphenatedNames(type.name),
    ]) {
      const key = alias.toLowerCase();
      if (key !== '' && !byAnyName.has(key)) byAnyName.set(key, type);
    }
  }
  return {
    all: types,
    byName: (name) => byName.get(name),
    byPath: (path) => byPath.get(path),
    byAnyName: (name) => byAnyName.get(name.toLowerCase()),
  };
}

function hyphenatedNames(name: string): readonly string[] {
  const names = typeNames(name, 'hyphenated');
  return [names.singular, names.plural];
}
