// What one field of the transparent proxy's configuration is: its names, and how it is read from text (flag, environment) and from a document.
import { parseDuration } from '@ursa/resources';

/** A field; its value is of type `Value`. */
export interface ConfigField<Value> {
  /** Place in the document: `redirect.inbound.port`. */
  readonly path: string;
  /** Variable of the environment, without its prefix. */
  readonly env: string;
  /** Long flag of `kumactl install transparent-proxy`, without dashes. */
  readonly flag?: string;
  readonly initial: Value;
  readonly help: string;
  /** What the value looks like in `--help`; absent for switches. */
  readonly placeholder?: string;
  /** What is read, for errors. */
  readonly expects: string;
  /** Undefined when the text is no value of this field. `before` is what this flag gave already. */
  fromText(text: string, before: Value | undefined): Value | undefined;
  /** Undefined when the value of a document is none of this field. */
  fromValue(value: unknown): Value | undefined;
  /** Puts a value over one of less precedence; without it, the later one stands alone. */
  join?(lower: Value, upper: Value): Value;
}

/** What a definition has to say for itself; the kind adds the rest. */
export type FieldFacts<Value> = Pick<ConfigField<Value>, 'path' | 'env' | 'help'> & {
  readonly flag?: string;
  readonly initial?: Value;
  readonly placeholder?: string;
};

const highestPort = 65_535;

/** Any text. */
export function textField(facts: FieldFacts<string>): ConfigField<string> {
  const fromValue = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  return { initial: '', placeholder: 'text', ...facts, expects: 'text', fromText: fromValue, fromValue };
}

/** One of a few words; their case does not count. */
export function choiceField<Word extends string>(
  words: readonly [Word, ...Word[]],
  facts: FieldFacts<Word>,
): ConfigField<Word> {
  const read = (value: unknown): Word | undefined =>
    value === '' ? words[0] : words.find((word) => word === String(value).toLowerCase());
  const expects = `one of ${words.join(', ')}`;
  return { initial: words[0], placeholder: words.join('|'), ...facts, expects, fromText: read, fromValue: read };
}

/** On or off. */
export function switchField(facts: FieldFacts<boolean>): ConfigField<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    '1': true,
    t: true,
    false: false,
    '0': false,
    f: false,
  };
  return {
    initial: false,
    ...facts,
    expects: 'true or false',
    fromText: (text) => words[text.toLowerCase()],
    fromValue: (value) => (typeof value === 'boolean' ? value : undefined),
  };
}

/** A whole number within bounds. */
export function numberField(
  bounds: { readonly least: number; readonly most: number },
  facts: FieldFacts<number>,
): ConfigField<number> {
  const read = (value: unknown): number | undefined => {
    const number = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN;
    return number >= bounds.least && number <= bounds.most ? number : undefined;
  };
  const expects = `a whole number from ${bounds.least} to ${bounds.most}`;
  return { initial: 0, placeholder: 'number', ...facts, expects, fromText: read, fromValue: read };
}

/** A port. */
export function portField(facts: FieldFacts<number>): ConfigField<number> {
  return numberField({ least: 1, most: highestPort }, { placeholder: 'port', ...facts });
}

/** Ports: a list, or a text with commas between them. */
export function portsField(facts: FieldFacts<readonly number[]>): ConfigField<readonly number[]> {
  const read = (value: unknown): readonly number[] | undefined => {
    const texts = (Array.isArray(value) ? value : [value]).flatMap((item) => splitWords(String(item), ','));
    const ports = texts.map((text) => (/^\d+$/.test(text) ? Number(text) : 0));
    return ports.every((port) => port >= 1 && port <= highestPort) ? ports : undefined;
  };
  return {
    initial: [],
    placeholder: 'port,…',
    ...facts,
    expects: 'ports from 1 to 65535, with commas between them',
    fromText: (text, before = []) => {
      const ports = read(text);
      return ports && [...before, ...ports];
    },
    fromValue: read,
  };
}

/** Texts: a list, or one text with a separator between them; the flag may be repeated. */
export function textsField(separator: string, facts: FieldFacts<readonly string[]>): ConfigField<readonly string[]> {
  return {
    initial: [],
    placeholder: 'text',
    ...facts,
    expects: 'texts',
    fromText: (text, before = []) => [...before, ...splitWords(text, separator)],
    fromValue(value) {
      const items = Array.isArray(value) ? value : [value];
      if (!items.every((item) => typeof item === 'string' || typeof item === 'number')) return undefined;
      return items.flatMap((item) => splitWords(String(item), separator));
    },
  };
}

/** A time in milliseconds, written as `2s`. */
export function durationField(facts: FieldFacts<number>): ConfigField<number> {
  const read = (value: unknown): number | undefined => {
    const milliseconds = value === '0' || value === 0 ? 0 : parseDuration(String(value));
    return milliseconds !== undefined && milliseconds >= 0 ? milliseconds : undefined;
  };
  return {
    initial: 0,
    placeholder: 'duration',
    ...facts,
    expects: 'a duration such as 2s',
    fromText: read,
    fromValue: read,
  };
}

/** Paths by name, written as `name:path,…`; several sources add up. */
export function pathsField(
  names: readonly string[],
  facts: FieldFacts<Readonly<Record<string, string>>>,
): ConfigField<Readonly<Record<string, string>>> {
  const read = (pairs: readonly (readonly [string, unknown])[]): Record<string, string> | undefined => {
    const paths: Record<string, string> = {};
    for (const [name, path] of pairs) {
      if (!names.includes(name) || typeof path !== 'string') return undefined;
      if (path !== '') paths[name] = path;
    }
    return paths;
  };
  return {
    initial: {},
    placeholder: 'name:path,…',
    ...facts,
    expects: `paths of ${names.join(', ')}, as name:path with commas between them`,
    fromText(text, before) {
      const paths = read(splitWords(text, ',').map((pair) => splitOnce(pair)));
      return paths && { ...before, ...paths };
    },
    fromValue: (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? read(Object.entries(value)) : undefined,
    join: (lower, upper) => ({ ...lower, ...upper }),
  };
}

function splitWords(text: string, separator: string): readonly string[] {
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function splitOnce(pair: string): readonly [string, unknown] {
  const colon = pair.indexOf(':');
  return colon === -1 ? [pair, undefined] : [pair.slice(0, colon), pair.slice(colon + 1)];
}
