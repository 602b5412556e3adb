// What differs between two JSON values, field by field, as a reader would say it: items of lists are told by their names, not their positions.

/** One difference. `before` is undefined for what is added, `after` for what is removed. */
export interface FieldChange {
  /** `filterChains[http].connectTimeout`: names of fields, items in brackets. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Differences in order of their paths. Values inside of what is added or removed as a whole are not listed again. */
export function fieldChanges(before: unknown, after: unknown, path = ''): readonly FieldChange[] {
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(before, after, path);
  if (isObject(before) && isObject(after)) {
    const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return fields.flatMap((field) =>
      memberChanges(before[field], after[field], path === '' ? field : `${path}.${field}`),
    );
  }
  return before === after ? [] : [{ path, before, after }];
}

function memberChanges(before: unknown, after: unknown, path: string): readonly FieldChange[] {
  if (before === undefined) return after === undefined ? [] : [{ path, after }];
  return after === undefined ? [{ path, before }] : fieldChanges(before, after, path);
}

/** By name where all items have one of their own; else items that are equal stay out, and the rest is told by position. */
function listChanges(before: readonly unknown[], after: readonly unknown[], path: string): readonly FieldChange[] {
  const names = [...before, ...after].map(nameOf);
  const isNamed = names.every((name) => name !== undefined) && isDistinct(before) && isDistinct(after);
  if (isNamed) return namedChanges(before, after, path);
  const [removed, added] = withoutCommon(before, after);
  const paired = removed.slice(0, added.length).flatMap(([position, item], index) => {
    return memberChanges(item, added[index]?.[1], `${path}[${position}]`);
  });
  return [
    ...paired,
    ...removed.slice(added.length).map(([position, item]) => ({ path: `${path}[${position}]`, before: item })),
    ...added.slice(removed.length).map(([position, item]) => ({ path: `${path}[${position}]`, after: item })),
  ];
}

function namedChanges(before: readonly unknown[], after: readonly unknown[], path: string): readonly FieldChange[] {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const now = new Map(after.map((item) => [nameOf(item), item]));
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((name) =>
    memberChanges(old.get(name), now.get(name), `${path}[${name}]`),
  );
  const kept = (items: ReadonlyMap<unknown, unknown>, others: ReadonlyMap<unknown, unknown>) =>
    [...items.keys()].filter((name) => others.has(name)).join(', ');
  const [oldOrder, newOrder] = [kept(old, now), kept(now, old)];
  // The order of routes and filters decides.
  return oldOrder === newOrder ? changes : [...changes, { path: `${path} (order)`, before: oldOrder, after: newOrder }];
}

/** Items that only one of the lists has, with their positions. */
function withoutCommon(before: readonly unknown[], after: readonly unknown[]) {
  const texts = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item));
  const [old, now] = [texts(before), texts(after)];
  const only = (items: readonly unknown[], own: readonly string[], others: readonly string[]) => {
    const left = new Map<string, number>();
    for (const text of others) left.set(text, (left.get(text) ?? 0) + 1);
    return items.flatMap((item, position): readonly (readonly [number, unknown])[] => {
      const text = own[position] ?? '';
      const count = left.get(text) ?? 0;
      if (count === 0) return [[position, item]];
      left.set(text, count - 1);
      return [];
    });
  };
  return [only(before, old, now), only(after, now, old)] as const;
}

/** What tells an item from others: a name, or the address of an endpoint. */
function nameOf(item: unknown): string | undefined {
  if (!isObject(item)) return undefined;
  if (typeof item.name === 'string' && item.name !== '') return item.name;
  const socket = at(item, 'endpoint', 'address', 'socketAddress');
  return isObject(socket) ? `${socket.address}:${socket.portValue}` : undefined;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((current, field) => (isObject(current) ? current[field] : undefined), value);
}

function isDistinct(items: readonly unknown[]): boolean {
  return new Set(items.map(nameOf)).size === items.length;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
