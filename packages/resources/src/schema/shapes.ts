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

/** A protobuf `int32`. */
export function int32(options: { readonly default?: number } = {}) {
  return Type.Integer({ minimum: -2147483648, maximum: 2147483647, format: 'int32', ...options });
}

/** A number, or text that stands for one (`50`, `"50.5"`); see `parseDecimal`. */
export function intOrString() {
  return Type.Union([Type.Integer(), Type.String()], { 'x-kubernetes-int-or-string': true });
}

/** Map of text to text. */
export function stringMap() {
  return Type.Record(Type.String(), Type.String());
}

/** Text, or nothing. */
export const optionalText = Type.Optional(Type.String());
/** True, or anything else for false. */
export const optionalFlag = Type.Optional(Type.Boolean());
/** A protobuf `uint32`: 0 stands for "not given". */
export const optionalCount = Type.Optional(uint32());
/** Tags, or none. */
export const optionalTags = Type.Optional(stringMap());
/** A protobuf wrapper: false and 0 differ from "not given". */
export const wrappedFlag = Type.Optional(Type.Boolean({ 'x-keep-default': true }));
/** A protobuf wrapper of `uint32`: 0 differs from "not given". */
export const wrappedCount = Type.Optional(Type.Integer({ minimum: 0, maximum: 4294967295, 'x-keep-default': true }));
/** A protobuf wrapper of `double`. */
export const wrappedNumber = Type.Optional(Type.Number({ 'x-keep-default': true }));
/** A duration of the older types, or nothing. */
export const optionalProtoDuration = Type.Optional(protoDuration());

/** Any object: its content is for someone else to judge. */
export const anyObject = Type.Record(Type.String(), Type.Unknown());

/** One of some names. */
export function oneOf<Name extends string>(...names: readonly Name[]) {
  return Type.Unsafe<Name>(Type.Enum([...names]));
}

/** Labels that a resource must carry; an empty map selects everything. */
export const labelSelector = closed({ matchLabels: Type.Optional(stringMap()) });
/** Labels that a resource must carry. */
export type LabelSelector = Static<typeof labelSelector>;

/** Tags of the older policies' `sources`, `destinations`, `selectors`. */
export const tagSelector = closed({ match: Type.Optional(stringMap()) });
/** Tags that a proxy must carry; `*` matches every value. */
export type TagSelector = Static<typeof tagSelector>;

/** Where a certificate, a key or a token comes from; exactly one of the fields, in the older types. */
export const dataSource = closed({
  secret: optionalText,
  file: optionalText,
  inline: Type.Optional(Type.String({ format: 'byte' })),
  inlineString: optionalText,
});
/** Where a certificate, a key or a token comes from. */
export type DataSource = Static<typeof dataSource>;

/** A host name that a generator gave to a service, in a status. */
export const generatedAddress = closed({
  hostname: optionalText,
  origin: optionalText,
  hostnameGeneratorRef: Type.Optional(closed({ coreName: Type.String() })),
});

/** What became of one generator, in a status. */
export const hostnameGeneratorStatus = closed({
  hostnameGeneratorRef: closed({ coreName: Type.String() }),
  conditions: Type.Optional(Type.Array(Type.Unknown())),
});

/** Condition in a status. */
export const condition = closed({
  type: Type.String(),
  status: oneOf('True', 'False', 'Unknown'),
  reason: Type.String(),
  message: Type.String(),
});
/** One condition in a status. */
export type Condition = Static<typeof condition>;
