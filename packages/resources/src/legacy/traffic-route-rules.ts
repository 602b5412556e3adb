// Rules for what a TrafficRoute says of HTTP requests and of load balancing: the peers', and those of Envoy, in which all of it ends.
import { describeFormatError } from '../format-string.ts';
import { describeRegularExpressionError } from '../regular-expression.ts';
import type { ViolationList } from '../violations.ts';

interface Matcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

interface Replacement {
  readonly pattern?: string;
  readonly substitution?: string;
}

interface Headers {
  readonly add?: readonly { readonly name?: string; readonly value?: string }[];
  readonly remove?: readonly { readonly name?: string }[];
}

/** The requests that a rule takes. */
export interface RequestMatch {
  readonly method?: Matcher;
  readonly path?: Matcher;
  readonly headers?: Readonly<Record<string, Matcher>>;
}

/** What is changed about them. */
export interface RequestChange {
  readonly path?: { readonly rewritePrefix?: string; readonly regex?: Replacement };
  readonly host?: { readonly value?: string; readonly fromPath?: Replacement };
  readonly requestHeaders?: Headers;
  readonly responseHeaders?: Headers;
}

/** What chooses among instances. */
export interface Balancing {
  readonly leastRequest?: { readonly choiceCount?: number };
  readonly ringHash?: {
    readonly hashFunction?: string;
    readonly minRingSize?: number;
    readonly maxRingSize?: number;
  };
}

/** Checks the match of a rule, which has at least one part. */
export function checkRequestMatch(violations: ViolationList, field: string, match: RequestMatch): void {
  if (match.method !== undefined) checkMatcher(violations, `${field}.method`, match.method);
  if (match.path !== undefined) checkMatcher(violations, `${field}.path`, match.path);
  for (const [name, matcher] of Object.entries(match.headers ?? {})) {
    const place = `${field}.headers[${name}]`;
    if (!headerToRead.test(name)) violations.add(place, noHeaderName);
    checkMatcher(violations, place, matcher);
  }
}

function checkMatcher(violations: ViolationList, field: string, { exact, prefix, regex }: Matcher): void {
  const given = [exact, prefix, regex].filter((value) => value !== undefined);
  if (given.length === 0) violations.add(field, 'cannot be empty: one of "exact", "prefix" and "regex" has to be set');
  if (given.length > 1) violations.add(field, 'only one of "exact", "prefix" and "regex" can be set');
  checkOneLine(violations, `${field}.exact`, exact);
  checkOneLine(violations, `${field}.prefix`, prefix);
  checkExpression(violations, `${field}.regex`, regex);
}

function checkExpression(violations: ViolationList, field: string, expression: string | undefined): void {
  const error = expression === undefined ? undefined : describeRegularExpressionError(expression);
  if (error !== undefined) violations.add(field, error);
}

function checkOneLine(violations: ViolationList, field: string, text: string | undefined): void {
  if (/[\0\r\n]/.test(text ?? '')) violations.add(field, 'must not have line breaks or NUL characters in it');
}

/** Checks what is changed about requests that match. */
export function checkRequestChange(
  violations: ViolationList,
  field: string,
  { path, host, requestHeaders, responseHeaders }: RequestChange,
  match: RequestMatch,
): void {
  if (path !== undefined) {
    const { rewritePrefix, regex } = path;
    checkOneOf(violations, `${field}.path`, { rewritePrefix, regex });
    checkOneLine(violations, `${field}.path.rewritePrefix`, rewritePrefix);
    if (rewritePrefix !== undefined && match.path?.prefix === undefined) {
      violations.add(`${field}.path.rewritePrefix`, 'can only be set when .http.match.path.prefix is not empty');
    }
    if (regex !== undefined) checkReplacement(violations, `${field}.path.regex`, regex);
  }
  if (host !== undefined) {
    const { value, fromPath } = host;
    checkOneOf(violations, `${field}.host`, { value, fromPath });
    checkOneLine(violations, `${field}.host.value`, value);
    if (fromPath !== undefined) checkReplacement(violations, `${field}.host.fromPath`, fromPath);
  }
  checkHeaders(violations, `${field}.requestHeaders`, requestHeaders);
  checkHeaders(violations, `${field}.responseHeaders`, responseHeaders);
}

function checkOneOf(violations: ViolationList, field: string, choices: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(choices).map((name) => `"${name}"`);
  const given = Object.values(choices).filter((value) => value !== undefined);
  if (given.length === 0) violations.add(field, `either ${names.join(' or ')} has to be set`);
  if (given.length > 1) violations.add(field, `only one of ${names.join(' and ')} can be set`);
}

function checkReplacement(violations: ViolationList, field: string, { pattern, substitution }: Replacement): void {
  if (pattern === undefined) violations.add(`${field}.pattern`, 'cannot be empty');
  checkExpression(violations, `${field}.pattern`, pattern);
  if (substitution === undefined) violations.add(`${field}.substitution`, 'cannot be empty');
  checkOneLine(violations, `${field}.substitution`, substitution);
  // RE2 knows the groups of an expression by one digit, and a backslash by two.
  if (/(^|[^\\])(\\\\)*\\([^\\0-9]|$)/.test(substitution ?? '')) {
    violations.add(
      `${field}.substitution`,
      'must have a digit or a second backslash after a backslash: \\1 is the first group',
    );
  }
}

// RFC 9110, section 5.1.
const headerToWrite = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const headerToRead = /^:?[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const noHeaderName = "is not the name of a header: only letters, digits and !#$%&'*+-.^_`|~ can stand in one";
/** Envoy's limits: of a value in bytes, and of headers for one route. */
const longestValue = 16 * 1024;
const mostHeaders = 1000;

function checkHeaders(violations: ViolationList, field: string, { add = [], remove = [] }: Headers = {}): void {
  if (add.length > mostHeaders) violations.add(`${field}.add`, `must not have more than ${mostHeaders} elements`);
  for (const [index, { name, value }] of add.entries()) {
    checkHeaderName(violations, `${field}.add[${index}].name`, name);
    const place = `${field}.add[${index}].value`;
    if (value === undefined) violations.add(place, 'cannot be empty');
    else checkHeaderValue(violations, place, value);
  }
  for (const [index, { name }] of remove.entries()) {
    checkHeaderName(violations, `${field}.remove[${index}].name`, name);
  }
}

function checkHeaderName(violations: ViolationList, field: string, name: string | undefined): void {
  if (name === undefined) violations.add(field, 'cannot be empty');
  else if (name.startsWith(':') || name.toLowerCase() === 'host') {
    violations.add(field, 'host header and HTTP/2 pseudo-headers are not allowed to be modified');
  } else if (!headerToWrite.test(name)) violations.add(field, noHeaderName);
}

function checkHeaderValue(violations: ViolationList, field: string, value: string): void {
  checkOneLine(violations, field, value);
  if (new TextEncoder().encode(value).length > longestValue) {
    violations.add(field, `must be at most ${longestValue} bytes long`);
    return;
  }
  const problem = describeFormatError(value);
  if (problem !== undefined) violations.add(field, problem);
}

const hashFunctions = ['XX_HASH', 'MURMUR_HASH_2'];
/** Envoy's. */
const largestRing = 8_388_608;

/** Checks a load balancer. */
export function checkBalancing(violations: ViolationList, field: string, balancing: Balancing): void {
  const names = Object.keys(balancing);
  if (names.length > 1) violations.add(field, `only one of ${names.join(', ')} can be set`);
  const { leastRequest, ringHash } = balancing;
  if (leastRequest?.choiceCount === 1) {
    violations.add(`${field}.leastRequest.choiceCount`, 'value must be greater than or equal to 2');
  }
  if (ringHash === undefined) return;
  const { hashFunction = '', minRingSize = 0, maxRingSize = 0 } = ringHash;
  if (!hashFunctions.includes(hashFunction)) {
    violations.add(`${field}.ringHash.hashFunction`, `must have a valid hash function: ${hashFunctions.join(' or ')}`);
  }
  for (const [name, size] of Object.entries({ minRingSize, maxRingSize })) {
    if (size > largestRing) violations.add(`${field}.ringHash.${name}`, `must be at most ${largestRing}`);
  }
  if (maxRingSize > 0 && minRingSize > maxRingSize) {
    violations.add(`${field}.ringHash.minRingSize`, 'must not be greater than maxRingSize');
  }
}
