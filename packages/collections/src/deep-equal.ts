// Decides the cut-off: a recomputed value that equals the old one stops the wave.

function equalMaps(left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    if (!right.has(key) || !deepEqual(value, right.get(key))) return false;
  }
  return true;
}

function equalSets(left: ReadonlySet<unknown>, right: ReadonlySet<unknown>): boolean {
  if (left.size !== right.size) return false;
  for (const member of left) if (!right.has(member)) return false;
  return true;
}

function equalLists(left: ArrayLike<unknown>, right: ArrayLike<unknown>): boolean {
  if (left.length !== right.length) return false;
  for (let position = 0; position < left.length; position++) {
    if (!deepEqual(left[position], right[position])) return false;
  }
  return true;
}

function equalRecords(left: object, right: object): boolean {
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(right, key)) return false;
    if (!deepEqual(left[key as keyof typeof left], right[key as keyof typeof right])) return false;
  }
  return true;
}

/** True when two values have the same content: plain objects, lists, maps, sets (by identity of members) and typed arrays. Must not be given cyclic data. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (Array.isArray(left)) return equalLists(left, right as unknown[]);
  if (ArrayBuffer.isView(left)) return equalLists(left as Uint8Array, right as Uint8Array);
  if (left instanceof Map) return equalMaps(left, right as Map<unknown, unknown>);
  if (left instanceof Set) return equalSets(left, right as Set<unknown>);
  return equalRecords(left, right);
}
