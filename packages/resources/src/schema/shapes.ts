// Pieces of schema that many resource types share. Everything here is plain JSON Schema with the TypeScript type attached.
import { type Static, type TProperties, Type } from 'typebox';

/** An object that refuses fields it does not know. */
export function closed<Properties extends TProperties>(properties: Properties, description?: string) {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
}

/** A Go duration such as `1h` or `250ms`; stored in Go's own print (`1h0m0s`). */
export function duration(description?: string) {
  return Type.String({ format: 'go-duration', ...(description === undefined ? {} : { description }) });
}

/** A protobuf duration of the older types: seconds with an `s`, such as `10s` or `0.5s`; Go durations are taken too. */
export function protoDuration() {
  return Type.String({ format: 'proto-duration' });
}

/** A port, 16 bits; which of them are allowed is for the type's own rules to say. */
export function uint32() {
  return Type.Integer({ minimum: 0, maximum: 4294967295 });
}

export function int32() {
  return Type.Integer({ minimum: -2147483648, maximum: 2147483647, format: 'int32' });
}

/** A number, or text that stands for one (`50`, `"50.5"`); see `parseDecimal`. */
export function intOrString() {
  return Type.Union([Type.Integer(), Type.String()], { 'x-kubernetes-int-or-string': true });
}

/** Map of text to text. */
export function stringMap() {
  return Type.Record(Type.String(), Type.String());
}

/** One of some names. */
export function oneOf<const Names extends readonly string[]>(...names: Names) {
  return Type.Enum([...names] as unknown as Names);
}

/** Labels that a resource must carry; an empty map selects everything. */
export const labelSelector = closed({ matchLabels: Type.Optional(stringMap()) });
export type LabelSelector = Static<typeof labelSelector>;

/** Tags of the older policies' `sources`, `destinations`, `selectors`. */
export const tagSelector = closed({ match: Type.Optional(stringMap()) });
export type TagSelector = Static<typeof tagSelector>;

/** Condition in a status. */
export const condition = closed({
  type: Type.String(),
  status: oneOf('True', 'False', 'Unknown'),
  reason: Type.String(),
  message: Type.String(),
});
export type Condition = Static<typeof condition>;
