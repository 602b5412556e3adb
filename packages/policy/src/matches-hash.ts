// Name of an HTTP route: a hash of what it matches. Envoy's statistics, inspection and older policies refer to routes by it (s10).
import { routeName } from '@ursa/envoy';

// The peers hash the JSON of their own structures: these fields, in this order, where present.
const fieldOrder: Readonly<Record<string, readonly string[]>> = {
  match: ['path', 'method', 'queryParams', 'headers'],
  path: ['value', 'type'],
  queryParams: ['type', 'name', 'value'],
  headers: ['type', 'name', 'value'],
};

const names = new Map<string, string>();
const maximumNames = 10_000;

/** Base64 of the SHA-256 of the matches' JSON in the peers' field order. `matches` is the list of a MeshHTTPRoute rule. */
export function matchesHash(matches: unknown): string {
  const text = goJson(Array.isArray(matches) ? matches.map((match) => ordered(match, 'match')) : []);
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = routeName(text);
  if (names.size >= maximumNames) names.clear();
  names.set(text, name);
  return name;
}

function ordered(value: unknown, shape: string): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item, shape));
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Readonly<Record<string, unknown>>;
  const fields = (fieldOrder[shape] ?? []).filter((field) => source[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, ordered(source[field], field)]));
}

// Go escapes these characters inside JSON strings.
const escaped: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => escaped[character] ?? character);
}
