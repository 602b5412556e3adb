// JSON schemas of what the API answers: resources, lists, errors. Made from the registered types, so that they cannot differ from what is validated.
import type { ResourceType } from '@ursa/resources';
import { type TSchema, Type } from 'typebox';

const time = Type.String({ format: 'date-time' });
const labels = Type.Record(Type.String(), Type.String());

/** A list of something: one page and where the next one is. */
export function pageSchema(title: string, item: TSchema): TSchema {
  const next = Type.Union([Type.String(), Type.Null()]);
  return Type.Object({ total: Type.Integer({ minimum: 0 }), items: Type.Array(item), next }, { title });
}

/** What a write answers: nothing, or what its author should know. */
export const writtenSchema: TSchema = Type.Object(
  { warnings: Type.Optional(Type.Array(Type.String())) },
  { title: 'Written' },
);

/** What a deletion answers. */
export const deletedSchema: TSchema = Type.Object({}, { title: 'Deleted' });

const violation = (text: string) => Type.Object({ field: Type.String(), [text]: Type.String() });

/** The one shape of all errors. */
export const errorSchema: TSchema = Type.Object(
  {
    type: Type.Literal('/std-errors'),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    title: Type.String(),
    detail: Type.String(),
    invalid_parameters: Type.Optional(Type.Array(violation('reason'))),
    details: Type.String({ description: 'As `detail`, for older clients.', deprecated: true }),
    causes: Type.Optional(
      Type.Array(violation('message'), { description: 'As `invalid_parameters`.', deprecated: true }),
    ),
  },
  { title: 'Error' },
);

/** A reference to the schema of a type in the description's components. */
export function resourceSchemaOf(type: ResourceType): TSchema {
  return Type.Unsafe({ $ref: `#/components/schemas/${type.name}` });
}

/** A page of resources of a type. */
export function listSchemaOf(type: ResourceType): TSchema {
  return pageSchema(`${type.name}List`, resourceSchemaOf(type));
}

/** The schema of a type's universal form: its envelope and its spec, inline or nested. */
export function documentSchemaOf(type: ResourceType): Record<string, unknown> {
  const envelope = {
    type: { const: type.name },
    ...(type.scope === 'Mesh' ? { mesh: { type: 'string' } } : {}),
    name: { type: 'string' },
    labels: plain(labels),
    creationTime: { ...plain(time), readOnly: true },
    modificationTime: { ...plain(time), readOnly: true },
    kri: { type: 'string', readOnly: true },
  };
  const spec = plain(type.spec);
  const required = ['type', 'name', ...(type.scope === 'Mesh' ? ['mesh'] : [])];
  if (type.specForm === 'inline') {
    const properties = { ...envelope, ...(spec.properties as object | undefined) };
    return {
      type: 'object',
      required: [...required, ...requiredOf(spec)],
      properties,
      additionalProperties: spec.additionalProperties ?? true,
    };
  }
  const properties = {
    ...envelope,
    spec,
    ...(type.status === undefined ? {} : { status: { ...plain(type.status), readOnly: true } }),
    ...(type.name === 'MeshService' || type.name === 'MeshExternalService' || type.name === 'MeshMultiZoneService'
      ? { snis: { type: 'array', readOnly: true, items: { type: 'object' } } }
      : {}),
  };
  return { type: 'object', required: [...required, 'spec'], properties, additionalProperties: false };
}

function requiredOf(spec: Record<string, unknown>): readonly string[] {
  return Array.isArray(spec.required) ? spec.required : [];
}

/** A schema as plain JSON: the library's own markers are symbols or hidden and do not survive printing. */
export function plain(schema: TSchema): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema));
}
