// A request body as a document: JSON, or YAML when it says so. Refuses what parsers disagree on or what could be used to do harm.
import { MeshError } from '@ursa/resources';
import { type Document, isAlias, parseDocument, visit } from 'yaml';
import type { RequestBody } from './route.ts';

/** Deepest nesting a document may have. The deepest real one, a gateway route, has less than 20. */
const maximumDepth = 64;

/** Keys that reach into the machinery of JavaScript objects; nothing in a mesh is named so. */
const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether bodies of this content type can be read as documents. */
export function isDocumentType(contentType: string): boolean {
  return isJson(contentType) || isYaml(contentType);
}

/**
 * The document in a body. Errors: `MeshError('invalid')` that says where the text is broken, or which key occurs twice, is refused, or lies too deep.
 */
export function parseBody(body: RequestBody): unknown {
  if (body.text.trim() === '') throw new MeshError('invalid', 'the body is empty: expected a resource as JSON');
  const document = isYaml(body.contentType) ? parseYaml(body.text) : parseJson(body.text);
  return document;
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

function isYaml(contentType: string): boolean {
  return /^(?:application|text)\/(?:x-)?yaml\s*(?:;|$)/i.test(contentType);
}

function parseJson(text: string): unknown {
  checkJsonKeys(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MeshError('invalid', `the body is not JSON: ${describeJsonError(text, error)}`);
  }
}

/**
 * Walks the tokens of a JSON text once, before it is parsed: depth, keys that occur twice (`JSON.parse` would take the last one in silence) and
 * refused keys. Of a text that is not JSON it may say nothing; the parser refuses that.
 */
function checkJsonKeys(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  // Strings end at the end of the text too, so that no start is tried in vain: linear for any input.
  const tokens = /"(?:[^"\\]|\\.?)*(?:"|$)|[{}[\]]/gs;
  for (const match of text.matchAll(tokens)) {
    const token = match[0];
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > maximumDepth) throw tooDeep();
    } else if (token === '}' || token === ']') open.pop();
    else if (isFollowedByColon(text, match.index + token.length)) checkKey(open.at(-1), unescapeJson(token));
  }
}

function checkKey(seen: Set<string> | undefined, key: string): void {
  if (refusedKeys.has(key)) throw refusedKey(key);
  if (seen?.has(key)) throw new MeshError('invalid', `key ${shown(key)} occurs twice in one object; keep one of them`);
  seen?.add(key);
}

function isFollowedByColon(text: string, from: number): boolean {
  let position = from;
  while (' \n\r\t'.includes(text[position] ?? 'x')) position++;
  return text[position] === ':';
}

function unescapeJson(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** Line and column of a JSON error; V8 says a position, others do not. */
function describeJsonError(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return 'it ends too early or holds a character that does not belong there';
  const before = text.slice(0, Number(position));
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  return `unexpected text at line ${line}, column ${column}: ${shown(text.slice(Number(position), Number(position) + 20))}`;
}

function parseYaml(text: string): unknown {
  // Merge keys and aliases can make a small text huge or say one thing to a reader and another to the parser.
  const document = parseDocument(text, { schema: 'core', merge: false, uniqueKeys: true, prettyErrors: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new MeshError('invalid', `the body is not YAML: ${problem.message.split('\n')[0]}`);
  checkYamlNodes(document);
  return document.toJS({ maxAliasCount: 0 });
}

function checkYamlNodes(document: Document): void {
  visit(document, {
    Node(_key, node, path) {
      // A pair and its collection are two steps of the path.
      if (path.length > 2 * maximumDepth) throw tooDeep();
      if (isAlias(node)) throw new MeshError('invalid', 'YAML aliases are not accepted: write the value out');
    },
    Pair(_key, pair) {
      const key = String(pair.key);
      if (refusedKeys.has(key)) throw refusedKey(key);
      if (key === '<<') throw new MeshError('invalid', 'YAML merge keys (<<) are not accepted: write the fields out');
    },
  });
}

function tooDeep(): MeshError {
  return new MeshError('invalid', `the document is nested deeper than ${maximumDepth} levels`);
}

function refusedKey(key: string): MeshError {
  return new MeshError(
    'invalid',
    `key ${shown(key)} is not accepted: it has a meaning to the control plane's runtime; choose another`,
  );
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
