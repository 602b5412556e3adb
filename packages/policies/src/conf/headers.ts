// Shapes for HTTP headers that several policies use in their confs, and what Envoy takes of their names and values.

import { checkOneLine, checkRegularExpression, type Report } from '@ursa/policy';
import { closed, describeFormatError } from '@ursa/resources';
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
export type HeadersToWrite = Static<typeof headersToWrite>;

/** The same, and headers that are taken away. */
export const headerModifier = closed({
  set: Type.Optional(headerValues),
  add: Type.Optional(headerValues),
  remove: Type.Optional(Type.Array(Type.String(), { maxItems: 16 })),
});
export type HeaderModifier = Static<typeof headerModifier>;

// RFC 9110, section 5.1; a colon stands before the names of what HTTP/2 sends in place of a request line.
const name = /^:?[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const noName = "is not the name of a header: only letters, digits and !#$%&'*+-.^_`|~ can stand in one";

/** The name of a header that is looked at, `:authority` and the like among them. */
export function checkHeaderToRead(report: Report, field: string, given: string): void {
  if (!name.test(given)) report.add(field, noName);
}

/** The name of a header that is added, replaced or removed. `advice`: what to do instead where it cannot be. */
export function checkHeaderToWrite(report: Report, field: string, given: string, advice = ''): void {
  if (given.startsWith(':') || given.toLowerCase() === 'host') {
    report.add(field, `Envoy changes neither host nor names with a colon as headers${advice}`);
  } else checkHeaderToRead(report, field, given);
}

/** Envoy's own limit, in bytes. */
const longestValue = 16 * 1024;

/** The value of a header that is written: a format, as in access logs. */
export function checkHeaderValue(report: Report, field: string, value: string): void {
  checkOneLine(report, field, value);
  if (new TextEncoder().encode(value).length > longestValue) {
    report.add(field, `must be at most ${longestValue} bytes long`);
    return;
  }
  // An older command that Envoy reads in headers only, as this one.
  const format = value.replaceAll(/%PER_REQUEST_STATE\((.+?)\)%/g, '%FILTER_STATE($1:PLAIN)%');
  const problem = describeFormatError(format);
  if (problem !== undefined) report.add(field, problem);
}

/** Headers that are written, names and values. */
export function checkHeadersToWrite(report: Report, { set = [], add = [] }: HeadersToWrite = {}, advice = ''): void {
  for (const [list, headers] of Object.entries({ set, add })) {
    for (const [index, header] of headers.entries()) {
      checkHeaderToWrite(report, `${list}[${index}].name`, header.name, advice);
      checkHeaderValue(report, `${list}[${index}].value`, header.value);
    }
  }
}

/** The value that a header is compared with. */
export function checkHeaderMatch(report: Report, { type, value = '' }: HeaderMatch): void {
  if (type === 'RegularExpression') checkRegularExpression(report, 'value', value);
  if (type === 'Prefix' && value === '') report.add('value', 'must not be empty: type Present takes any value');
}
