// Turns a JSON Schema into closures that check a value and copy it in normal form: one walk, no generated code (it must run where
// code generation from strings is switched off), and error texts that say the field.
import type { TSchema } from 'typebox';
import { MeshError } from '../error.ts';
import { compileNumber, compileString, integerOrText } from './compile-scalar.ts';
import { addFinding, type Findings, isFull, prefixField, prefixIndex, prefixKey } from './findings.ts';
import { copyFreeValue, isDangerousKey } from './free-value.ts';
import type { SchemaNode } from './schema-node.ts';
import { suggestionFor } from './suggestion.ts';
import { wrongType } from './wrong-type.ts';

/**
 * Checks a value and returns its normal form: properties in the schema's order, `null` properties left out, durations as Go prints
 * them. What is wrong is added to the findings; the result is meaningless then.
 */
export type SchemaCheck = (value: unknown, findings: Findings) => unknown;

/**
 * `json`: the newer types; every value given is kept. `proto`: the older types, which travel as protobuf messages; values equal to the
 * protobuf default ('', 0, false, an empty list or map, the first name of an enumeration) are left out, and numbers may be quoted.
 */
export type SchemaDialect = 'json' | 'proto';

/**
 * Compiles a schema. `alsoKnown` are names that the document around an object may carry and that a typo may have meant.
 * Throws `MeshError` 'internal' for a schema that uses what this walker does not know.
 */
export function compileSchema(schema: TSchema, dialect: SchemaDialect, alsoKnown: readonly string[] = []): SchemaCheck {
  const node = schema as SchemaNode;
  return node.properties === undefined ? compileNode(node, dialect) : compileObject(node, dialect, alsoKnown);
}

function compileNode(schema: SchemaNode, dialect: SchemaDialect): SchemaCheck {
  if (schema.enum !== undefined) return compileEnum(schema.enum);
  if (schema.const !== undefined) return compileEnum([schema.const]);
  if (schema['x-kubernetes-int-or-string'] === true) return integerOrText;
  if (schema.anyOf !== undefined) return compileUnion(schema.anyOf.map((option) => compileNode(option, dialect)));
  switch (schema.type) {
    case 'object':
      return schema.properties === undefined ? compileMap(schema, dialect) : compileObject(schema, dialect);
    case 'array':
      return compileList(schema, dialect);
    case 'string':
      return compileString(schema);
    case 'integer':
    case 'number':
      return compileNumber(schema, dialect);
    case 'boolean':
      return (value, findings) => (typeof value === 'boolean' ? value : wrongType('boolean', value, findings));
    case undefined:
      return copyFreeValue;
    default:
      throw new MeshError(
        'internal',
        `a resource schema uses the type ${JSON.stringify(schema.type)}, which is not known`,
      );
  }
}

function compileEnum(allowed: readonly unknown[]): SchemaCheck {
  const known = new Set(allowed);
  const message = `in body should be one of [${allowed.join(' ')}]`;
  return (value, findings) => {
    if (!known.has(value)) addFinding(findings, message);
    return value;
  };
}

/** The first option that fits; when none does, the findings of the one that came closest. */
function compileUnion(options: readonly SchemaCheck[]): SchemaCheck {
  return (value, findings) => {
    let closest: Findings | undefined;
    for (const option of options) {
      const found: Findings = [];
      const copy = option(value, found);
      if (found.length === 0) return copy;
      if (closest === undefined || found.length < closest.length) closest = found;
    }
    for (const { message, field, unreadable } of closest ?? []) addFinding(findings, message, field, unreadable);
    return undefined;
  };
}

interface CompiledProperty {
  readonly name: string;
  readonly check: SchemaCheck;
  readonly required: boolean;
  /** Filled in when the document leaves the property out. */
  readonly fallback: unknown;
  /** Says which values are left out because they equal the protobuf default. */
  readonly isDefault: (value: unknown) => boolean;
}

function compileObject(schema: SchemaNode, dialect: SchemaDialect, alsoKnown: readonly string[] = []): SchemaCheck {
  const required = new Set(schema.required ?? []);
  const open = schema.additionalProperties !== false;
  const properties = Object.entries(schema.properties ?? {}).map(
    ([name, property]): CompiledProperty => ({
      name,
      check: compileNode(property, dialect),
      required: required.has(name) && dialect === 'json',
      fallback: dialect === 'json' ? property.default : undefined,
      isDefault: dialect === 'proto' ? protoDefaultOf(property) : never,
    }),
  );
  const names = properties.map(({ name }) => name);
  const known = new Set(names);
  const suggested = [...names, ...alsoKnown];
  return (value, findings) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return wrongType('object', value, findings);
    const given = value as Record<string, unknown>;
    const copy: Record<string, unknown> = {};
    for (const property of properties) {
      const item = given[property.name];
      if (item === undefined || item === null) {
        if (property.fallback !== undefined) copy[property.name] = property.fallback;
        else if (property.required) addFinding(findings, 'in body is required', property.name);
        continue;
      }
      const start = findings.length;
      const checked = property.check(item, findings);
      if (findings.length > start) prefixField(findings, start, property.name);
      else if (!property.isDefault(checked)) copy[property.name] = checked;
    }
    for (const key in given) {
      if (isFull(findings)) break;
      if (known.has(key)) continue;
      if (isDangerousKey(key)) addFinding(findings, 'this key is never accepted', key);
      else if (!open) addFinding(findings, `unknown field; ${suggestionFor(key, suggested)}`, cutField(key));
    }
    return copy;
  };
}

function cutField(key: string): string {
  return key.length > 300 ? `${key.slice(0, 300)}…` : key;
}

const never = (): boolean => false;

/** What protobuf leaves out for a field of this schema. A message without fields is kept: its presence says something. */
function protoDefaultOf(schema: SchemaNode): (value: unknown) => boolean {
  if (schema['x-keep-default'] === true) return never;
  if (schema.enum !== undefined) return (value) => value === schema.enum?.[0];
  if (schema.type === 'array') return (value) => Array.isArray(value) && value.length === 0;
  if (schema.type !== 'object') return (value) => value === '' || value === 0 || value === false;
  // Of a wrong value nothing is left: after many findings no more are noted, and none says so.
  return schema.properties === undefined ? (value) => Object.keys(value ?? {}).length === 0 : never;
}

function compileMap(schema: SchemaNode, dialect: SchemaDialect): SchemaCheck {
  const itemSchema = Object.values(schema.patternProperties ?? {})[0];
  const check = itemSchema === undefined ? copyFreeValue : compileNode(itemSchema, dialect);
  const minimum = schema.minProperties ?? 0;
  return (value, findings) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return wrongType('object', value, findings);
    const copy: Record<string, unknown> = {};
    let count = 0;
    for (const [key, item] of Object.entries(value)) {
      if (isFull(findings)) break;
      if (isDangerousKey(key)) {
        addFinding(findings, 'this key is never accepted', key);
        continue;
      }
      if (item === null) continue;
      const start = findings.length;
      copy[key] = check(item, findings);
      count++;
      if (findings.length > start) prefixKey(findings, start, key);
    }
    if (count < minimum) addFinding(findings, `in body should have at least ${minimum} properties`);
    return copy;
  };
}

function compileList(schema: SchemaNode, dialect: SchemaDialect): SchemaCheck {
  const check = schema.items === undefined ? copyFreeValue : compileNode(schema.items, dialect);
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  return (value, findings) => {
    if (!Array.isArray(value)) return wrongType('array', value, findings);
    if (value.length < minItems) addFinding(findings, `in body should have at least ${minItems} items`);
    if (value.length > maxItems) addFinding(findings, `in body should have at most ${maxItems} items`);
    const copy: unknown[] = [];
    for (let index = 0; index < value.length && !isFull(findings); index++) {
      const start = findings.length;
      copy.push(check(value[index], findings));
      if (findings.length > start) prefixIndex(findings, start, index);
    }
    return copy;
  };
}
