// What would have to be done to one JSON value to make it another: a JSON Patch (RFC 6902).

import { gapsBetween } from './align-lists.ts';

/** One step. A change of a value is a `test`, a `remove` and an `add`, so that both values can be read. */
export interface PatchOperation {
  readonly op: 'test' | 'remove' | 'add';
  /** JSON Pointer (RFC 6901). */
  readonly path: string;
  readonly value: unknown;
}

/** The steps from one value to another, fields in order of their names; the same items of lists are found
 * again wherever they stand. */
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

// From the last stretch to the first, so that positions that are still to be named stay as they are. Within one, items are compared in pairs
// from its start; what one list has more is removed or added behind them.
function diffLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly PatchOperation[] {
  return gapsBetween(before, after)
    .toReversed()
    .flatMap(({ before: [start, end], after: [otherStart, otherEnd] }) => {
      const [old, fresh] = [before.slice(start, end), after.slice(otherStart, otherEnd)];
      const pairs = Math.min(old.length, fresh.length);
      const at = start + pairs;
      return [
        ...old.slice(0, pairs).flatMap((item, index) => diffJson(item, fresh[index], `${path}/${start + index}`)),
        ...old
          .flatMap((item, index) => (index < pairs ? [] : [{ item, index: start + index }]))
          .toReversed()
          .flatMap(({ item, index }) => removed(item, `${path}/${index}`)),
        ...fresh
          .slice(pairs)
          .toReversed()
          .flatMap((item) => added(item, `${path}/${at}`)),
      ];
    });
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
