// A JSON parser that says where and why it refuses: keys given twice, keys that are never accepted, nesting too deep. `JSON.parse` takes
// the last of two equal keys in silence, and not every runtime says at which position it failed.

import { MeshError } from '../error.ts';
import { isDangerousKey, maximumDepth } from '../schema/free-value.ts';
import { errorAt } from './position.ts';

const whitespace = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not hold them
const plainString = /"[^"\\\u0000-\u001f]*"/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not hold them
const escapedString = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const literals: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * Parses JSON text. `source` names the text in errors: a file, or "the body". Throws `MeshError` 'invalid', and 'too-large' when it holds more
 * than `maximumValues`, where keys, lists and objects count as values.
 */
export function parseJson(text: string, source = 'the body', maximumValues = Number.POSITIVE_INFINITY): unknown {
  if (hasMoreThan(text, maximumValues)) throw tooManyValues(source, maximumValues);
  let position = 0;
  let values = 0;

  function fail(message: string, at = position): never {
    throw errorAt(source, text, at, message);
  }
  function count(): void {
    if (++values > maximumValues) throw tooManyValues(source, maximumValues);
  }
  function skipSpace(): void {
    whitespace.lastIndex = position;
    whitespace.test(text);
    position = whitespace.lastIndex;
  }
  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = position;
    if (!pattern.test(text)) return undefined;
    const start = position;
    position = pattern.lastIndex;
    return text.slice(start, position);
  }
  function parseString(): string {
    const plain = take(plainString);
    if (plain !== undefined) return plain.slice(1, -1);
    const escaped = take(escapedString);
    return escaped === undefined
      ? fail('this text has no end, or holds a character that must be escaped')
      : String(JSON.parse(escaped));
  }
  function parseValue(depth: number): unknown {
    count();
    if (depth > maximumDepth) fail(`nested more than ${maximumDepth} levels deep`);
    skipSpace();
    const character = text[position];
    if (character === '{') return parseObject(depth);
    if (character === '[') return parseList(depth);
    if (character === '"') return parseString();
    const digits = take(number);
    if (digits !== undefined) return Number(digits);
    for (const [word, value] of literals) {
      if (!text.startsWith(word, position)) continue;
      position += word.length;
      return value;
    }
    return fail(character === undefined ? 'the text ends where a value was expected' : 'expected a value');
  }
  function parseObject(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    position++;
    skipSpace();
    if (text[position] === '}') {
      position++;
      return object;
    }
    for (;;) {
      skipSpace();
      const keyAt = position;
      count();
      if (text[position] !== '"') fail('expected a key in double quotes');
      const key = parseString();
      if (isDangerousKey(key)) fail(`the key ${JSON.stringify(key)} is never accepted`, keyAt);
      if (Object.hasOwn(object, key))
        fail(`the key ${JSON.stringify(key.slice(0, 100))} is given twice in one object; keep one of them`, keyAt);
      skipSpace();
      if (text[position] !== ':') fail('expected ":" after the key');
      position++;
      object[key] = parseValue(depth + 1);
      skipSpace();
      const next = text[position];
      if (next !== ',' && next !== '}') fail('expected "," or "}"');
      position++;
      if (next === '}') return object;
    }
  }
  function parseList(depth: number): unknown[] {
    const list: unknown[] = [];
    position++;
    skipSpace();
    if (text[position] === ']') {
      position++;
      return list;
    }
    for (;;) {
      list.push(parseValue(depth + 1));
      skipSpace();
      const next = text[position];
      if (next !== ',' && next !== ']') fail('expected "," or "]"');
      position++;
      if (next === ']') return list;
    }
  }

  const value = parseValue(0);
  skipSpace();
  if (position < text.length) fail('unexpected text after the end of the document');
  return value;
}

/** Whether signs between values already tell that there are too many: that is known before the first is read, at a tenth of the cost. */
function hasMoreThan(text: string, maximumValues: number): boolean {
  if (text.length < maximumValues) return false;
  let signs = 0;
  let isInString = false;
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === quote) isInString = !isInString;
    else if (isInString) position += code === backslash ? 1 : 0;
    else if ((code === comma || code === colon) && ++signs >= maximumValues) return true;
  }
  return false;
}

function tooManyValues(source: string, maximum: number): MeshError {
  return new MeshError('too-large', `${source}: more than ${maximum} keys and values; split it into several resources`);
}
