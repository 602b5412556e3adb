// Whether a text is a regular expression as Envoy takes it: RE2's syntax. It is only read here, never run: JavaScript's own engine can be made to
// run for years by a short expression, RE2's cannot.

/** Why a text is not a regular expression. */
export interface RegularExpressionError {
  readonly reason: string;
  /** The part at fault. */
  readonly text: string;
  /** Where that part starts, counted from 1. */
  readonly position: number;
}

/** RE2 refuses counts above, also those of counts within counts. */
const largestCount = 1000;
const deepestGroup = 1000;
/** Far above what anybody writes by hand. Each proxy that gets the expression compiles it, and keeps what comes out. */
const longestExpression = 8 * 1024;
/** Steps of the compiled program, estimated. RE2 has room for some hundred thousand and refuses what needs more. */
const largestProgram = 50_000;
const stepsOf = { text: 1, any: 8, class: 8, unicodeClass: 300 };

const letterEscapes = new Set('aftnrvdDsSwWbBAzCpPxQ'.split(''));
/** Escapes that stand for a place in the text or for several characters, and so cannot stand in a class. */
const outsideClass = new Set('bBAzCQ'.split(''));
const posixClasses = new Set(
  'alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit'.split(' '),
);

class Refusal extends Error {
  readonly refused: RegularExpressionError;

  constructor(refused: RegularExpressionError) {
    super(refused.reason);
    this.refused = refused;
  }
}

/** What is wrong with an expression; undefined when nothing is. */
export function findRegularExpressionError(expression: string): RegularExpressionError | undefined {
  try {
    readExpression(expression);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.refused;
    throw error;
  }
}

/** The error in words, for a violation; undefined when the expression is good. */
export function describeRegularExpressionError(expression: string): string | undefined {
  const error = findRegularExpressionError(expression);
  if (error === undefined) return undefined;
  const { reason, text, position } = error;
  return `is not a regular expression as Envoy reads it (RE2): ${reason}: ${JSON.stringify(text)} at character ${position}`;
}

/** An open group, and what stands right before the reading place. */
interface Group {
  readonly start: number;
  /** Where the last item starts, the largest product of counts in it, and its steps; undefined where nothing can be repeated. */
  item: { readonly start: number; readonly count: number; readonly steps: number } | undefined;
  /** Steps of all items so far. */
  steps: number;
  /** True right behind a repetition. */
  repeated: boolean;
  /** The largest product of counts in the group so far. */
  largest: number;
}

const openGroup = (start: number): Group => ({ start, item: undefined, steps: 0, repeated: false, largest: 1 });

function readExpression(expression: string): void {
  const refuse = (reason: string, start: number, end = expression.length): never => {
    throw new Refusal({ reason, text: expression.slice(start, end), position: start + 1 });
  };
  if (expression.length > longestExpression) {
    throw new Refusal({
      reason: `is longer than ${longestExpression} characters`,
      text: expression.slice(0, 20),
      position: longestExpression + 1,
    });
  }
  const outer: Group[] = [];
  const names = new Set<string>();
  let group = openGroup(0);
  const endItem = (start: number, count = 1, steps: number = stepsOf.text): void => {
    group.item = { start, count, steps };
    group.steps += steps;
    if (group.steps > largestProgram) refuse('makes too large a program', group.start);
    group.repeated = false;
    group.largest = Math.max(group.largest, count);
  };
  let position = 0;
  while (position < expression.length) {
    const start = position;
    const character = expression.charAt(position);
    if (character === '(') {
      position = readGroupStart(expression, start, names, refuse);
      // Flags for the rest of the group, such as `(?i)`, open none.
      if (expression.charAt(position - 1) === ')') {
        group.repeated = false;
        continue;
      }
      outer.push(group);
      if (outer.length > deepestGroup) refuse('nests too deeply', start, start + 1);
      group = openGroup(start);
    } else if (character === ')') {
      const closed = group;
      group = outer.pop() ?? refuse('unexpected )', start);
      endItem(closed.start, closed.largest, closed.steps);
      position++;
    } else if (character === '|') {
      group.item = undefined;
      group.repeated = false;
      position++;
    } else if (character === '[') {
      position = readClass(expression, start, refuse);
      endItem(start, 1, stepsInClass(expression.slice(start, position)));
    } else if (character === '\\') {
      position = readEscape(expression, start, false, refuse);
      endItem(start, 1, stepsInClass(expression.slice(start, position)));
    } else {
      const repetition = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(expression.slice(start, start + 32));
      if (repetition === null) {
        position++;
        endItem(start, 1, character === '.' ? stepsOf.any : stepsOf.text);
        continue;
      }
      position += repetition[0].length;
      if (group.repeated) refuse('bad repetition operator', start, position);
      const item = group.item ?? refuse('missing argument to repetition operator', start, position);
      const [, least, , most] = repetition;
      const count = least === undefined ? 1 : Math.max(Number(least), Number(most ?? 0), 1);
      const inverted = most !== undefined && most !== '' && Number(most) < Number(least);
      if (inverted || count * item.count > largestCount) refuse('invalid repetition size', start, position);
      group.steps -= item.steps;
      endItem(item.start, count * item.count, count * item.steps);
      group.repeated = true;
    }
  }
  if (outer.length > 0) refuse('missing )', group.start);
}

/** Of a class or an escape: those of Unicode have hundreds of ranges. */
function stepsInClass(text: string): number {
  const unicode = text.match(/\\[pP]/g)?.length ?? 0;
  return unicode * stepsOf.unicodeClass + (text.startsWith('[') ? stepsOf.class : stepsOf.text);
}

type Refuse = (reason: string, start: number, end?: number) => never;

/** Reads `(`, `(?:`, `(?P<name>`, `(?flags:` or `(?flags)`; returns where it ends. */
function readGroupStart(expression: string, start: number, names: Set<string>, refuse: Refuse): number {
  const rest = expression.slice(start, start + 200);
  if (!rest.startsWith('(?')) return start + 1;
  const named = /^\(\?P?<(?![=!])/.exec(rest);
  if (named !== null) {
    const [whole, name = ''] = /^\(\?P?<(\w+)>/.exec(rest) ?? refuse('invalid named capture group', start);
    if (names.has(name)) refuse('duplicate name of a capture group', start, start + whole.length);
    names.add(name);
    return start + whole.length;
  }
  const flags = /^\(\?(?:[imsU]*(?:-[imsU]+)?)[:)]/.exec(rest);
  if (flags !== null) return start + flags[0].length;
  const end = /^\(\?(?:<?[=!]|P[=>]|[^)]{0,8})/.exec(rest)?.[0].length ?? 2;
  return refuse('invalid perl operator (RE2 looks neither ahead nor behind)', start, start + end);
}

/** Reads `\…`; returns where it ends. */
function readEscape(expression: string, start: number, inClass: boolean, refuse: Refuse): number {
  const letter = expression.charAt(start + 1);
  if (letter === '') return refuse('trailing \\ at end', start);
  const rest = expression.slice(start, start + 60);
  if (letter < '\x80' && /[^0-9A-Za-z]/.test(letter)) return start + 2;
  const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
  if (octal !== null) return start + octal[0].length;
  if (!letterEscapes.has(letter) || (inClass && outsideClass.has(letter))) {
    return refuse('invalid escape sequence', start, start + 2);
  }
  if (letter === 'Q') {
    const end = expression.indexOf('\\E', start);
    return end === -1 ? expression.length : end + 2;
  }
  if (letter === 'x') {
    const code = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(rest);
    if (code === null || Number.parseInt(code[2] ?? '0', 16) > 0x10ffff) {
      return refuse('invalid escape sequence', start, start + (code?.[0].length ?? 3));
    }
    return start + code[0].length;
  }
  if (letter === 'p' || letter === 'P') {
    const [whole = '', short, long] = /^\\[pP](?:([A-Za-z])|\{\^?(\w+)\})/.exec(rest) ?? [];
    if (!isUnicodeClass(short ?? long ?? ''))
      refuse('invalid character class range', start, start + (whole.length || 2));
    return start + whole.length;
  }
  return start + 2;
}

/** True for a category (`L`, `Lu`) or a script (`Greek`), as this platform's Unicode tables have them. The name holds letters only. */
function isUnicodeClass(name: string): boolean {
  if (name === 'Any') return true;
  const property = name.length <= 2 ? name : `Script=${name}`;
  try {
    return new RegExp(`\\p{${property}}`, 'u').source !== '';
  } catch {
    return false;
  }
}

/** Reads `[…]`; returns where it ends. */
function readClass(expression: string, start: number, refuse: Refuse): number {
  let position = start + (expression.charAt(start + 1) === '^' ? 2 : 1);
  let first = true;
  while (first || expression.charAt(position) !== ']') {
    if (position >= expression.length) return refuse('missing ]', start);
    first = false;
    const posix = /^\[:\^?([^:\]]*):\]/.exec(expression.slice(position, position + 20));
    if (posix !== null) {
      if (!posixClasses.has(posix[1] ?? ''))
        refuse('invalid character class range', position, position + posix[0].length);
      position += posix[0].length;
      continue;
    }
    const from = position;
    const low = readMember(expression, position, refuse);
    position = low.end;
    if (expression.charAt(position) !== '-' || expression.charAt(position + 1) === ']') continue;
    if (position + 1 >= expression.length) return refuse('missing ]', start);
    const high = readMember(expression, position + 1, refuse);
    position = high.end;
    const ordered = low.code !== undefined && high.code !== undefined && low.code <= high.code;
    if (!ordered) refuse('invalid character class range', from, position);
  }
  return position + 1;
}

const controlCodes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Reads one member of a class; `code` is undefined where it stands for several characters. */
function readMember(
  expression: string,
  start: number,
  refuse: Refuse,
): { readonly end: number; readonly code: number | undefined } {
  const code = expression.codePointAt(start) ?? 0;
  if (code !== 0x5c) return { end: start + String.fromCodePoint(code).length, code };
  const end = readEscape(expression, start, true, refuse);
  const text = expression.slice(start + 1, end);
  const letter = text.charAt(0);
  if (/^x/.test(text)) return { end, code: Number.parseInt(text.replaceAll(/[x{}]/g, ''), 16) };
  if (/^[0-7]/.test(text)) return { end, code: Number.parseInt(text, 8) };
  if (letter in controlCodes) return { end, code: controlCodes[letter] };
  return { end, code: /[A-Za-z]/.test(letter) ? undefined : text.codePointAt(0) };
}
