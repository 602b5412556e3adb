// Rows for documentation: every field of a type, in the order of its schema.
import type { ResourceType } from './resource-type.ts';
import { joinField } from './schema/findings.ts';
import type { SchemaNode } from './schema/schema-node.ts';

/** One field, as a table shows it. */
export interface FieldDescription {
  /** Path from the document's root: `spec.ports[].port`, `networking.inbound[].tags`. `[]` is a list's item, `.*` a map's value. */
  readonly field: string;
  /** `text`, `integer`, `list of text`, `one of A, B`, … */
  readonly type: string;
  readonly required: boolean;
  readonly fallback: unknown;
  readonly description: string;
}

/** All fields of a type's spec, a field before those within it. */
export function describeType(type: ResourceType): readonly FieldDescription[] {
  const rows: FieldDescription[] = [];
  describeProperties(type.spec as SchemaNode, type.specForm === 'inline' ? '' : 'spec', rows);
  return rows;
}

function describeProperties(schema: SchemaNode, prefix: string, rows: FieldDescription[]): void {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const field = joinField(prefix, name);
    rows.push({
      field,
      type: typeText(property),
      required: schema.required?.includes(name) === true && property.default === undefined,
      fallback: property.default,
      description: property.description ?? '',
    });
    describeContent(property, field, rows);
  }
}

function describeContent(schema: SchemaNode, field: string, rows: FieldDescription[]): void {
  describeProperties(schema, field, rows);
  if (schema.items !== undefined) describeContent(schema.items, `${field}[]`, rows);
  for (const value of Object.values(schema.patternProperties ?? {})) describeContent(value, `${field}.*`, rows);
  for (const option of schema.anyOf ?? []) describeContent(option, field, rows);
}

function typeText(schema: SchemaNode): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeText))].join(' or ');
  if (schema.format === 'go-duration' || schema.format === 'proto-duration') return 'duration';
  if (schema.format === 'byte') return 'base64';
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.properties === undefined) {
    return `map of ${typeText(Object.values(schema.patternProperties ?? {})[0] ?? {})}`;
  }
  return schema.type === 'string' ? 'text' : (schema.type ?? 'any');
}
