// YAML documents with the positions of their fields. YAML 1.2 core schema: no merge keys, few aliases, no key twice, no deep nesting.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';
import { MeshError } from '../error.ts';
import { isDangerousKey, maximumDepth } from '../schema/free-value.ts';
import { parseJson } from './parse-json.ts';
import { errorAt, excerptAt, positionAt, type TextPosition } from './position.ts';
import { refuseDeepYaml } from './refuse-deep-yaml.ts';

/** One document of a text. */
export interface ParsedDocument {
  /** Plain JSON values. */
  readonly value: unknown;
  /** Where a field stands, by its path (`spec.to[0].targetRef.kind`); the nearest enclosing field when it is absent. */
  positionOf(field: string): TextPosition;
  /** A violation as `file:line:column: field: message`, with the line and a caret below. */
  describe(field: string, message: string): string;
}

/** Where the text comes from, and how much of it is read. */
export interface YamlOptions {
  /** Names the text in errors: a file name, a URL, "stdin". */
  readonly source: string;
  /** In characters. Default 4 Mi, for files. Hostile text can cost seconds per Mi, so a server should set less. */
  readonly maximumLength?: number;
  /** How many values a document may give by alias. Default 100. */
  readonly maximumAliases?: number;
  /** How many keys and values JSON text may hold, and how many marks (line ends, indicators) YAML text. Default: any number. */
  readonly maximumValues?: number;
  readonly maximumMarks?: number;
}

const tooDeep = `nested more than ${maximumDepth} levels deep`;

/**
 * Parses a text of YAML documents (JSON is YAML, and is taken by a faster way). Empty documents are left out.
 * Throws `MeshError`: 'too-large', or 'invalid' with `file:line:column: …`, the line at fault and a caret.
 */
export function parseYamlDocuments(text: string, options: YamlOptions): readonly ParsedDocument[] {
  const { source, maximumLength = 4 * 1024 * 1024, maximumAliases = 100 } = options;
  if (text.length > maximumLength) {
    throw new MeshError(
      'too-large',
      `${source}: ${text.length} characters; at most ${maximumLength} are read. Split the file`,
    );
  }
  const json = /^\s*\{/.test(text) ? tryJson(text, source, options.maximumValues) : undefined;
  return json ?? parseDocuments(text, source, maximumAliases, options.maximumMarks);
}

/** What the parser has to do grows with these characters, and costs it some 20 µs each. */
function refuseManyMarks(text: string, source: string, maximum: number): void {
  let marks = 0;
  for (const _ of text.matchAll(/[\n,:?&!*{["'#%|>]|-\s/g)) {
    if (++marks <= maximum) continue;
    throw new MeshError(
      'too-large',
      `${source}: YAML of more than ${maximum} lines, fields and items; send it as JSON, or split it`,
    );
  }
}

/** A text that starts like JSON may still be YAML in flow style; then the YAML parser judges it. */
function tryJson(text: string, source: string, maximumValues?: number): readonly ParsedDocument[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  parseJson(text, source, maximumValues);
  let positions: readonly ParsedDocument[] | undefined;
  const withPositions = (): ParsedDocument | undefined => {
    positions ??= parseDocuments(text, source, 0);
    return positions[0];
  };
  const start: TextPosition = { line: 1, column: 1 };
  return [
    {
      value,
      positionOf: (field) => withPositions()?.positionOf(field) ?? start,
      describe: (field, message) => withPositions()?.describe(field, message) ?? `${source}: ${field}: ${message}`,
    },
  ];
}

function parseDocuments(
  text: string,
  source: string,
  maximumAliases: number,
  maximumMarks = Number.POSITIVE_INFINITY,
): readonly ParsedDocument[] {
  refuseDeepYaml(text, source);
  refuseManyMarks(text, source, maximumMarks);
  try {
    const lineCounter = new LineCounter();
    const documents = parseAllDocuments(text, {
      schema: 'core',
      merge: false,
      // Looked for below: the parser compares every key with every other.
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter,
    });
    if (!Array.isArray(documents)) return [];
    return documents
      .filter((document) => !isEmpty(document))
      .map((document) => readDocument(document, text, source, maximumAliases));
  } catch (error) {
    // The parser calls itself for every level.
    if (error instanceof RangeError)
      throw new MeshError('invalid', `${source}: nested more than ${maximumDepth} levels deep`);
    throw error;
  }
}

function readDocument(document: Document.Parsed, text: string, source: string, maximumAliases: number): ParsedDocument {
  const [problem] = document.errors;
  if (problem !== undefined) throw errorAt(source, text, problem.pos[0], wordingOf(problem.message));
  refuseHostileNodes(document, text, source, maximumAliases);
  const positionOf = (field: string): TextPosition => positionAt(text, offsetOf(document.contents, pathOf(field)));
  return {
    value: toValue(document, source, maximumAliases),
    positionOf,
    describe(field, message) {
      const position = positionOf(field);
      const place = field === '' ? '' : `${field}: `;
      return `${source}:${position.line}:${position.column}: ${place}${message}\n${excerptAt(text, position)}`;
    },
  };
}

/** Nothing, or comments only, between two document marks. */
function isEmpty(document: Document.Parsed): boolean {
  const { contents, errors } = document;
  return errors.length === 0 && (contents === null || (isScalar(contents) && contents.value === null));
}

function toValue(document: Document.Parsed, source: string, maximumAliases: number): unknown {
  try {
    return document.toJS({ maxAliasCount: maximumAliases });
  } catch (error) {
    if (error instanceof ReferenceError) throw new MeshError('invalid', `${source}: ${tooManyAliases(maximumAliases)}`);
    throw error;
  }
}

function tooManyAliases(maximum: number): string {
  return maximum === 0
    ? 'aliases are not accepted; write the values out'
    : `more than ${maximum} values by alias; write them out`;
}

function wordingOf(message: string): string {
  // The parser calls itself for every level, and reports that it could not go on as an error of the document.
  return message.includes('call stack') ? tooDeep : message.replaceAll('\n', ' ');
}

function refuseHostileNodes(document: Document.Parsed, text: string, source: string, maximumAliases: number): void {
  let aliases = 0;
  visit(document, {
    Node(_key, node, path) {
      // A pair and its mapping are two steps of the path.
      if (path.length > 2 * maximumDepth) throw errorAt(source, text, startOf(node), tooDeep);
      if (isMap(node)) refuseKeyTwice(node, text, source);
      if (!isAlias(node)) return;
      if (++aliases > maximumAliases) throw errorAt(source, text, startOf(node), tooManyAliases(maximumAliases));
      if (node.resolve(document) === undefined) throw errorAt(source, text, startOf(node), 'this alias has no anchor');
    },
    Pair(_key, { key }) {
      if (!isScalar(key)) throw errorAt(source, text, startOf(key), 'a key has to be plain text');
      const name = String(key.value);
      if (name === '<<')
        throw errorAt(source, text, startOf(key), 'merge keys (<<) are not accepted; write the fields out');
      if (isDangerousKey(name))
        throw errorAt(source, text, startOf(key), `the key ${JSON.stringify(name)} is never accepted`);
    },
  });
}

function refuseKeyTwice(map: YAMLMap, text: string, source: string): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value ?? '');
    if (seen.has(name))
      throw errorAt(source, text, startOf(key), 'this key is given twice in one mapping; keep one of them');
    seen.add(name);
  }
}

function startOf(node: unknown): number {
  return isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0;
}

/** `spec.to[0]["a.b"]` → spec, to, 0, a.b */
function pathOf(field: string): readonly string[] {
  return [...field.matchAll(/\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, name]) =>
    quoted === undefined ? (index ?? name ?? '') : String(JSON.parse(quoted)),
  );
}

function offsetOf(root: unknown, path: readonly string[]): number {
  let node: unknown = root;
  let offset = startOf(root);
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
      // The peer's paths have steps that no document has (`default.conf.http`, `backends.backend[0]`): these are passed over.
      if (pair === undefined) continue;
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (item === undefined) continue;
      offset = startOf(item);
      node = item;
    } else break;
    if (!isCollection(node)) break;
  }
  return offset;
}
