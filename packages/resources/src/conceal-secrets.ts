// Private keys, tokens and the like that stand in resources themselves (`key: { inline: … }`): not shown to those who may not see secrets, and put back when such a
// reader writes the resource again without having touched them.

/** What stands in place of a key in a text. */
const mask = '[redacted]';
/** The same where bytes are expected. */
const maskBytes = btoa(mask);

const keyField = /(?:key|token|secret|secretId)$/i;
const contents = ['inline', 'inlineString'] as const;

type Json = Readonly<Record<string, unknown>>;

/** The value without them; the same object when there are none. */
export function concealSecrets<Value>(value: Value): Value {
  return walk(value, '', (source) => ({
    ...source,
    ...('inline' in source ? { inline: maskBytes } : {}),
    ...('inlineString' in source ? { inlineString: mask } : {}),
  })) as Value;
}

/**
 * The value with the keys of `stored` where it has masks; items of lists are the same when their names are. `missing` has the places of masks
 * for which nothing is stored, such as `mtls.backends[0].conf.key`.
 */
export function restoreSecrets<Value>(
  value: Value,
  stored: unknown,
): { readonly value: Value; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const restored = restore(value, stored, '', missing);
  return { value: restored as Value, missing };
}

function restore(value: unknown, stored: unknown, path: string, missing: string[]): unknown {
  if (Array.isArray(value)) {
    const items = Array.isArray(stored) ? stored : [];
    return mapItems(value, (item, index) =>
      restore(item, counterpart(item, items, index), `${path}[${index}]`, missing),
    );
  }
  if (!isObject(value)) return value;
  if (value.inline === maskBytes || value.inlineString === mask) {
    if (isObject(stored) && contents.some((field) => typeof stored[field] === 'string')) return stored;
    missing.push(path);
    return value;
  }
  return mapFields(value, (content, field) =>
    restore(content, isObject(stored) ? stored[field] : undefined, path === '' ? field : `${path}.${field}`, missing),
  );
}

function counterpart(item: unknown, stored: readonly unknown[], index: number): unknown {
  const name = isObject(item) ? item.name : undefined;
  if (typeof name !== 'string') return stored[index];
  return stored.find((other) => isObject(other) && other.name === name);
}

function walk(value: unknown, field: string, conceal: (source: Json) => Json): unknown {
  if (Array.isArray(value)) return mapItems(value, (item) => walk(item, field, conceal));
  if (!isObject(value)) return value;
  if (isSource(value) && (keyField.test(field) || holdsKey(value))) return conceal(value);
  return mapFields(value, (content, name) => walk(content, name, conceal));
}

function isSource(value: Json): boolean {
  return contents.some((field) => typeof value[field] === 'string' && value[field] !== '');
}

/** A gateway's certificate and its key stand in one source. */
function holdsKey({ inline, inlineString }: Json): boolean {
  return `${textOf(inline)}${typeof inlineString === 'string' ? inlineString : ''}`.includes('PRIVATE KEY');
}

function textOf(base64: unknown): string {
  try {
    return typeof base64 === 'string' ? atob(base64) : '';
  } catch {
    return '';
  }
}

function mapItems(items: readonly unknown[], change: (item: unknown, index: number) => unknown): unknown {
  const changed = items.map(change);
  return changed.some((item, index) => item !== items[index]) ? changed : items;
}

function mapFields(value: Json, change: (content: unknown, field: string) => unknown): unknown {
  const entries = Object.entries(value).map(([field, content]) => [field, change(content, field)] as const);
  return entries.some(([field, content]) => content !== value[field]) ? Object.fromEntries(entries) : value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
