// JSON Patch (RFC 6902) on a document. As with the peer, `add` makes the objects and lists on its way, `remove` of nothing is nothing, and
// negative positions count from the end of a list.

/** One operation. */
export interface JsonPatch {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Parts of a JSON Pointer (RFC 6901). Throws when it is none. */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new Error(`'${pointer}' is not a JSON Pointer: it must start with '/'`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Position in a list; `-` stands for the end. */
function positionOf(list: readonly unknown[], key: string, pointer: string): number {
  if (key === '-') return list.length;
  if (!/^-?\d+$/.test(key)) throw new Error(`'${pointer}': '${key}' is not a position in a list`);
  const position = Number(key) < 0 ? list.length + Number(key) : Number(key);
  if (position < 0 || position > list.length) {
    throw new Error(`'${pointer}': the list has ${list.length} items, none at ${key}`);
  }
  return position;
}

function read(container: Container, key: string, pointer: string): unknown {
  if (Array.isArray(container)) return container[positionOf(container, key, pointer)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

/** The object or list that holds what a pointer leads to. With `make`, what is missing on the way is made. */
function holder(document: Container, parts: readonly string[], pointer: string, make: boolean): Container | undefined {
  let current = document;
  for (const [depth, key] of parts.slice(0, -1).entries()) {
    let next = read(current, key, pointer);
    if (next === undefined && make) {
      next = /^(-|0)$/.test(parts[depth + 1] ?? '') ? [] : {};
      insert(current, key, next, pointer);
    }
    if (!isContainer(next)) return undefined;
    current = next;
  }
  return current;
}

function insert(container: Container, key: string, value: unknown, pointer: string): void {
  if (Array.isArray(container)) container.splice(positionOf(container, key, pointer), 0, value);
  else if (refusedKeys.has(key)) throw new Error(`'${pointer}': '${key}' is never accepted`);
  else container[key] = value;
}

function add(document: Container, pointer: string, value: unknown): Container {
  const parts = parsePointer(pointer);
  const last = parts.at(-1);
  if (last === undefined) {
    if (!isContainer(value)) throw new Error('the whole resource cannot become a single value');
    return value;
  }
  const container = holder(document, parts, pointer, true);
  if (container === undefined) throw new Error(`'${pointer}': there is neither an object nor a list to add to`);
  insert(container, last, value, pointer);
  return document;
}

function find(document: Container, pointer: string): unknown {
  const parts = parsePointer(pointer);
  const last = parts.at(-1);
  if (last === undefined) return document;
  const container = holder(document, parts, pointer, false);
  const value = container && read(container, last, pointer);
  if (value === undefined) throw new Error(`'${pointer}' is not there`);
  return value;
}

function remove(document: Container, pointer: string): void {
  const parts = parsePointer(pointer);
  const container = holder(document, parts, pointer, false);
  const last = parts.at(-1);
  if (container === undefined || last === undefined) return;
  if (Array.isArray(container)) container.splice(positionOf(container, last, pointer), 1);
  else if (Object.hasOwn(container, last)) delete container[last];
}

function replace(document: Container, pointer: string, value: unknown): Container {
  find(document, pointer);
  const parts = parsePointer(pointer);
  const last = parts.at(-1);
  const container = holder(document, parts, pointer, false);
  if (last === undefined || container === undefined) return add(document, pointer, value);
  if (Array.isArray(container)) container[positionOf(container, last, pointer)] = value;
  else container[last] = value;
  return document;
}

/** Applies operations in their order to a document, which is changed, and returns what it became. Throws at the first that cannot be applied. */
export function applyJsonPatches(document: Container, patches: readonly JsonPatch[]): Container {
  let current = document;
  for (const { op, path, from = '', value } of patches) {
    if (op === 'remove') remove(current, path);
    else if (op === 'add') current = add(current, path, structuredClone(value));
    else if (op === 'replace') current = replace(current, path, structuredClone(value));
    else {
      const moved = structuredClone(find(current, from));
      if (op === 'move') remove(current, from);
      current = add(current, path, moved);
    }
  }
  return current;
}
