// What would have to be done to one JSON value to make it another: a JSON Patch (RFC 6902).

/** One step. A change of a value is a `test`, a `remove` and an `add`, so that both values can be read. */
export interface PatchOperation {
  readonly op: 'test' | 'remove' | 'add';
  /** JSON Pointer (RFC 6901). */
  readonly path: string;
  readonly value: unknown;
}

/** The steps from one value to another, fields in order of their names; items of lists are compared by position. */
export function diffJson(before: unknown, after: unknown, path = ''): readonly PatchOperation[] {
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, path);
  if (isObject(before) && isObject(after)) {
    const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return fields.flatMap((field) => diffMember(before[field], after[field], `${path}/${escapePointer(field)}`));
  }
  return before === after ? [] : [...removed(before, path), ...added(after, path)];
}

function diffMember(before: unknown, after: unknown, path: string): readonly PatchOperation[] {
  if (before === undefined) return added(after, path);
  return after === undefined ? removed(before, path) : diffJson(before, after, path);
}

function diffLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly PatchOperation[] {
  const common = before
    .slice(0, after.length)
    .flatMap((item, index) => diffJson(item, after[index], `${path}/${index}`));
  // From the end, so that the positions of the items that are still to be removed stay as they are.
  const surplus = before
    .map((item, index) => ({ item, index }))
    .slice(after.length)
    .reverse();
  const missing = after.slice(before.length);
  return [
    ...common,
    ...surplus.flatMap(({ item, index }) => removed(item, `${path}/${index}`)),
    ...missing.flatMap((item, index) => added(item, `${path}/${before.length + index}`)),
  ];
}

function removed(value: unknown, path: string): readonly PatchOperation[] {
  return [
    { op: 'test', path, value },
    { op: 'remove', path, value },
  ];
}

function added(value: unknown, path: string): readonly PatchOperation[] {
  return [{ op: 'add', path, value }];
}

function escapePointer(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
