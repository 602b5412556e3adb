// Equality of resource content. An equal write changes nothing, so this decides what reaches the feed.

/** True when both are the same JSON: key order does not matter, a property that is undefined is the same as an absent one. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, position) => equalJson(item, right[position]));
  }
  const leftEntries = presentEntries(left);
  const rightEntries = new Map(presentEntries(right));
  return (
    leftEntries.length === rightEntries.size &&
    leftEntries.every(([key, value]) => rightEntries.has(key) && equalJson(value, rightEntries.get(key)))
  );
}

function presentEntries(object: object): [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined);
}
