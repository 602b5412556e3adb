// Fills in what a schema says of fields that were left out, so that readers of a stored policy see what holds.
import type { TSchema } from 'typebox';

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly default?: unknown;
}

/** A copy of the value with defaults filled in. Values of another shape than the schema's are left as they are: it refuses them. */
export function fillDefaults(schema: TSchema, value: unknown): unknown {
  return fill(schema as SchemaNode, value);
}

function fill(schema: SchemaNode, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => fill(items, item));
  }
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(schema.properties)) {
    const given = filled[name];
    if (given !== undefined && given !== null) filled[name] = fill(property, given);
    else if (property.default !== undefined && isLeaf(property)) filled[name] = property.default;
  }
  return filled;
}

// A policy's own field may be called `default`, and so may a property of a schema.
function isLeaf(schema: SchemaNode): boolean {
  return schema.properties === undefined && schema.items === undefined;
}
