// JSON as the API prints it, and the cache of printed resources that lists are joined from.

/** JSON indented by one space, as the peer prints it, ending in a newline. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Printed forms of values that never change, kept as long as the value itself: a page of a list is then one copy of bytes. */
export interface PrintedValues<Value extends object> {
  /** The value as a body of its own. */
  body(value: Value): Buffer;
  /** The value as an item of a list: indented by two, without a newline at the end. */
  item(value: Value): Buffer;
}

/** Prints with `toDocument`, at most once for each value and form. Values must be immutable. */
export function createPrintedValues<Value extends object>(toDocument: (value: Value) => unknown): PrintedValues<Value> {
  const bodies = new WeakMap<Value, Buffer>();
  const items = new WeakMap<Value, Buffer>();
  const kept = (cache: WeakMap<Value, Buffer>, value: Value, print: () => Buffer): Buffer => {
    const printed = cache.get(value) ?? print();
    cache.set(value, printed);
    return printed;
  };
  return {
    body: (value) => kept(bodies, value, () => Buffer.from(formatJson(toDocument(value)))),
    item: (value) => kept(items, value, () => printItem(toDocument(value))),
  };
}

/** Body of a list: `{total, items, next}`. Items are as `PrintedValues.item` prints them. */
export function joinList(total: number, items: readonly Buffer[], next: string | null): Buffer {
  const parts: Buffer[] = [];
  for (const item of items) parts.push(parts.length === 0 ? firstItem : nextItem, item);
  return Buffer.concat([
    Buffer.from(`{\n "total": ${total},\n "items": [`),
    ...parts,
    Buffer.from(`${parts.length === 0 ? '' : '\n '}],\n "next": ${JSON.stringify(next)}\n}\n`),
  ]);
}

const firstItem = Buffer.from('\n  ');
const nextItem = Buffer.from(',\n  ');

/** A document as an item of a list. */
export function printItem(document: unknown): Buffer {
  // A newline inside a JSON string is always escaped, so every real one is a line break of the layout.
  return Buffer.from(JSON.stringify(document, null, 1).replaceAll('\n', '\n  '));
}
