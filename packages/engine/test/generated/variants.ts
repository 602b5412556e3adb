// A document changed in one place, in all the ways its schema suggests: fields set to hostile values, left out, added, doubled.
import type { SchemaNode } from '../../../resources/src/schema/schema-node.ts';
import { hostileKeys, hostileScalars, plausibleScalar } from './hostile-values.ts';

/** One changed value. */
export interface Variant {
  readonly value: unknown;
  /** Where it differs, with `[]` for any index and `{}` for any key. */
  readonly place: string;
  /** What stands there now, or what was done with it. */
  readonly content: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** Tells which places are of interest. */
export type Wanted = (place: string) => boolean;

/** All values that differ from this one in one place that is wanted. */
export function* variantsOf(schema: SchemaNode, value: unknown, place: string, wanted: Wanted): Generator<Variant> {
  if (schema.anyOf !== undefined) {
    for (const option of schema.anyOf)
      yield* variantsOf(option, fits(option, value) ? value : undefined, place, wanted);
  } else if (schema.type === 'object') yield* objectVariants(schema, value, place, wanted);
  else if (schema.type === 'array') yield* listVariants(schema, value, place, wanted);
  else if (wanted(place))
    for (const scalar of hostileScalars(schema)) if (scalar !== value) yield variant(scalar, place);
}

function* objectVariants(schema: SchemaNode, value: unknown, place: string, wanted: Wanted): Generator<Variant> {
  const fields = isFields(value) ? value : {};
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const at = `${place}.${key}`;
    const wrap = within(fields, key);
    if (fields[key] !== undefined) {
      for (const one of variantsOf(property, fields[key], at, wanted)) yield wrap(one);
      const { [key]: _, ...rest } = fields;
      if (wanted(at)) yield variant(rest, at, '(left out)');
      continue;
    }
    // Once with everything in it, once with as little as may be; then changed in each place.
    for (const full of [true, false]) {
      const added = plausible(property, at, full);
      if (wanted(at)) yield wrap(variant(added, at, { added }));
      for (const one of variantsOf(property, added, at, wanted)) yield wrap(one);
    }
  }
  const [item] = Object.values(schema.patternProperties ?? {});
  if (item === undefined) return;
  for (const key of Object.keys(fields))
    for (const one of variantsOf(item, fields[key], `${place}.{}`, wanted)) yield within(fields, key)(one);
  const content = Object.values(fields)[0] ?? plausible(item, place, false);
  if (wanted(`${place}.{key}`))
    for (const key of hostileKeys) yield variant({ ...fields, [key]: content }, `${place}.{key}`, key);
  if (wanted(place)) yield variant({}, place);
}

function* listVariants(schema: SchemaNode, value: unknown, place: string, wanted: Wanted): Generator<Variant> {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const item = schema.items ?? {};
  const at = `${place}[]`;
  for (const [index, each] of list.entries())
    for (const one of variantsOf(item, each, at, wanted)) yield { ...one, value: list.with(index, one.value) };
  const [first] = list;
  if (first === undefined) {
    for (const full of [true, false]) {
      const added = plausible(item, place, full);
      if (wanted(at)) yield variant([added], at, '(added)');
      for (const one of variantsOf(item, added, at, wanted)) yield { ...one, value: [one.value] };
    }
    return;
  }
  if (wanted(place)) yield variant([], place);
  if (!wanted(at)) return;
  yield variant([...list, first], at, '(twice)');
  yield variant([...list, changedCase(first)], at, '(twice, in other case)');
  yield variant(
    Array.from({ length: 300 }, () => first),
    at,
    '(300 times)',
  );
}

/** A value with everything the schema knows, or as little as it allows. */
function plausible(schema: SchemaNode, field: string, full: boolean): unknown {
  if (schema.anyOf?.[0] !== undefined) return plausible(schema.anyOf[0], field, full);
  if (schema.type === 'array') return full && schema.items !== undefined ? [plausible(schema.items, field, full)] : [];
  if (schema.type !== 'object') return plausibleScalar(schema, field);
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
    full || required.has(key) ? [[key, plausible(property, `${field}.${key}`, full)]] : [],
  );
  return Object.fromEntries(fields) as Fields;
}

function fits(schema: SchemaNode, value: unknown): boolean {
  if (Array.isArray(value)) return schema.type === 'array';
  if (typeof value === 'number') return schema.type === 'integer' || schema.type === 'number';
  return typeof value === schema.type;
}

function changedCase(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? part.toUpperCase() : part)),
  );
}

const within =
  (fields: Fields, key: string) =>
  (one: Variant): Variant => ({ ...one, value: { ...fields, [key]: one.value } });

function variant(value: unknown, place: string, content = value): Variant {
  return { value, place, content };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
