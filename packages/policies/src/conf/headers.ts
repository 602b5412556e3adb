// Shapes for HTTP headers that several policies use in their confs.
import { closed } from '@ursa/resources';
import { type Static, Type } from 'typebox';

const headerName = Type.String({ minLength: 1, maxLength: 256, pattern: "^[a-z0-9!#$%&'*+\\-.^_\\x60|~]+$" });

type MatchType = 'Exact' | 'Present' | 'RegularExpression' | 'Absent' | 'Prefix';
const matchType = Type.Unsafe<MatchType>({
  enum: ['Exact', 'Present', 'RegularExpression', 'Absent', 'Prefix'],
  default: 'Exact',
});

/** A condition on one header of a request or response. */
export const headerMatch = closed({
  type: Type.Optional(matchType),
  name: headerName,
  value: Type.Optional(Type.String()),
});
export type HeaderMatch = Static<typeof headerMatch>;

const headerValues = Type.Array(closed({ name: headerName, value: Type.String() }), { maxItems: 16 });

/** Headers that are added, and headers that are set in place of those that are there. */
export const headersToWrite = closed({ set: Type.Optional(headerValues), add: Type.Optional(headerValues) });

/** The same, and headers that are taken away. */
export const headerModifier = closed({
  set: Type.Optional(headerValues),
  add: Type.Optional(headerValues),
  remove: Type.Optional(Type.Array(Type.String(), { maxItems: 16 })),
});
export type HeaderModifier = Static<typeof headerModifier>;
