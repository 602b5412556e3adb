// Merge: several confs into one. A JSON merge patch (RFC 7396) in order of precedence, with three kinds of fields treated apart (G7).
import { share } from './share.ts';

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** Fields of a conf that do not follow the merge patch. Lists whose name starts with `append` are joined without being named here. */
export interface MergeOptions {
  /** A list whose items are merged one by one: items are the same when this field of theirs is; their `default`s are merged. */
  readonly mergeByKey?: { readonly list: string; readonly key: string };
  /** A list of strings that splits confs: each value gets a merged conf of its own. */
  readonly splitBy?: string;
}

/**
 * Merges confs, the weakest first. Gives one conf, or one for each value of `splitBy` in order of first appearance; none for no confs.
 * The results are frozen and shared: equal results are one object. Merging a result with itself changes nothing but `append` lists.
 */
export function mergeConfs<Conf>(confs: readonly Conf[], options: MergeOptions = {}): readonly Conf[] {
  const groups = splitConfs(confs as readonly JsonObject[], options.splitBy);
  return groups.map((group) => share(mergeGroup(group, options)) as Conf);
}

function splitConfs(confs: readonly JsonObject[], splitBy: string | undefined): JsonObject[][] {
  if (splitBy === undefined) return confs.length === 0 ? [] : [[...confs]];
  const groups = new Map<string, JsonObject[]>();
  for (const conf of confs) {
    const list = conf[splitBy];
    const values = Array.isArray(list) && list.length > 0 ? (list as string[]) : [''];
    for (const value of values) {
      const group = groups.get(value) ?? [];
      groups.set(value, [...group, value === '' ? conf : { ...conf, [splitBy]: [value] }]);
    }
  }
  return [...groups.values()];
}

function mergeGroup(confs: readonly JsonObject[], options: MergeOptions): JsonObject {
  const { mergeByKey } = options;
  const merged = confs.reduce<JsonObject>((result, conf) => mergeObjects(result, conf), {});
  if (mergeByKey === undefined || merged[mergeByKey.list] === undefined) return merged;
  return { ...merged, [mergeByKey.list]: mergeItems(confs, mergeByKey) };
}

// The narrowest policy's items come first; where two confs have an item with the same key, it stands where the stronger one has it.
function mergeItems(confs: readonly JsonObject[], by: { readonly list: string; readonly key: string }): JsonObject[] {
  const items = new Map<string, { key: Json | undefined; defaults: JsonObject[] }>();
  for (const conf of confs.toReversed()) {
    const list = conf[by.list];
    for (const item of Array.isArray(list) ? (list as JsonObject[]) : []) {
      const text = JSON.stringify(item[by.key] ?? null);
      const known = items.get(text) ?? { key: item[by.key], defaults: [] };
      items.set(text, { ...known, defaults: [(item.default ?? {}) as JsonObject, ...known.defaults] });
    }
  }
  return [...items.values()].map(({ key, defaults }) => ({
    ...(key === undefined ? {} : { [by.key]: key }),
    default: mergeGroup(defaults, {}),
  }));
}

function mergeObjects(target: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key];
    if (value === null || value === undefined) delete result[key];
    else if (Array.isArray(value))
      result[key] = /^append/i.test(key) && Array.isArray(before) ? [...before, ...value] : value;
    else if (typeof value === 'object') result[key] = mergeObjects(isObject(before) ? before : {}, value as JsonObject);
    else result[key] = value;
  }
  return result;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
