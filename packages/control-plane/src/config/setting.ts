// What one setting is: where it is read from, its default, its type, and the sentence the reference page prints.
import { formatDuration, parseDuration } from '@ursa/resources';

/** Whatever YAML can hold. */
export type Raw = string | number | boolean | null | readonly Raw[] | { readonly [key: string]: Raw };

/** A setting that was given a value it cannot have. The message says what was expected. */
export class SettingError extends Error {}

/** One line of the table of settings. */
export interface Setting<Value> {
  /** Name in the environment; undefined for the few that only a file can give. */
  readonly env: string | undefined;
  readonly default: Value;
  readonly summary: string;
  /** What the value looks like, for the reference and for errors: `a port (0 to 65535)`. */
  readonly expected: string;
  /** Never printed. */
  readonly secret: boolean;
  /** Why it changes nothing, or not yet; undefined when it works. */
  readonly noEffect: string | undefined;
  /** What to use instead. */
  readonly deprecated: string | undefined;
  /** From the file. Throws `SettingError`. */
  fromYaml(raw: Raw): Value;
  /** From the environment. Throws `SettingError`. */
  fromText(text: string): Value;
  /** As `/config` shows it. */
  toJson(value: Value): Raw;
}

/** A tree of settings, shaped like the YAML file. */
export interface SettingsTree {
  readonly [key: string]: Setting<unknown> | SettingsTree;
}

/** The values of a tree of settings. */
export type ValuesOf<Tree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Setting<infer Value> ? Value : ValuesOf<Tree[Key]>;
};

/** Tells a setting from a branch of the tree. */
export function isSetting(node: Setting<unknown> | SettingsTree): node is Setting<unknown> {
  return typeof node.fromText === 'function';
}

/** The rarer facts about a setting. */
export interface SettingNotes {
  readonly secret?: boolean;
  readonly noEffect?: string;
  readonly deprecated?: string;
}

type Env = string | undefined;

/** A setting of a form that no other has. `form` reads and shows it. */
export function setting<Value>(
  env: Env,
  initial: Value,
  summary: string,
  notes: SettingNotes,
  form: Pick<Setting<Value>, 'expected' | 'fromYaml' | 'fromText' | 'toJson'>,
): Setting<Value> {
  const { secret = false, noEffect, deprecated } = notes;
  return { env, default: initial, summary, secret, noEffect, deprecated, ...form };
}

function refuse(expected: string, found: Raw): never {
  throw new SettingError(`expected ${expected}, found ${JSON.stringify(found)}`);
}

/** A text; an empty one usually means "not set". */
export function text(env: Env, initial: string, summary: string, notes: SettingNotes = {}): Setting<string> {
  const expected = 'a text';
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: (raw) =>
      raw === null ? '' : typeof raw === 'object' || typeof raw === 'boolean' ? refuse(expected, raw) : String(raw),
    fromText: (raw) => raw,
    toJson: (value) => value,
  });
}

/** A switch. */
export function flag(env: Env, initial: boolean, summary: string, notes: SettingNotes = {}): Setting<boolean> {
  const expected = 'true or false';
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: (raw) => (typeof raw === 'boolean' ? raw : refuse(expected, raw)),
    fromText: (raw) => {
      if (/^(true|t|1)$/i.test(raw)) return true;
      if (/^(false|f|0)$/i.test(raw)) return false;
      return refuse(expected, raw);
    },
    toJson: (value) => value,
  });
}

/** A whole number in a range. */
export function whole(
  env: Env,
  initial: number,
  summary: string,
  notes: SettingNotes & { readonly min?: number; readonly max?: number } = {},
): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = notes;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return wholeIn(env, initial, summary, notes, min, max, `a whole number (${range})`);
}

/** A TCP or UDP port. */
export function port(env: Env, initial: number, summary: string, notes: SettingNotes = {}): Setting<number> {
  return wholeIn(env, initial, summary, notes, 0, 65_535, 'a port (0 to 65535)');
}

function wholeIn(
  env: Env,
  initial: number,
  summary: string,
  notes: SettingNotes,
  min: number,
  max: number,
  expected: string,
): Setting<number> {
  const check = (value: number, raw: Raw) =>
    Number.isInteger(value) && value >= min && value <= max ? value : refuse(expected, raw);
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: (raw) => (typeof raw === 'number' ? check(raw, raw) : refuse(expected, raw)),
    fromText: (raw) => (/^-?\d+$/.test(raw) ? check(Number(raw), raw) : refuse(expected, raw)),
    toJson: (value) => value,
  });
}

/** A duration; the value is in milliseconds. */
export function duration(env: Env, initial: string, summary: string, notes: SettingNotes = {}): Setting<number> {
  const expected = 'a duration such as 10s, 1m30s or 250ms';
  const parse = (raw: Raw) => {
    const milliseconds = typeof raw === 'string' ? parseDuration(raw) : raw === 0 ? 0 : undefined;
    return milliseconds === undefined || milliseconds < 0 ? refuse(expected, raw) : milliseconds;
  };
  return setting(env, parse(initial), summary, notes, {
    expected,
    fromYaml: parse,
    fromText: parse,
    toJson: formatDuration,
  });
}

/** A list of texts; in the environment separated by commas. */
export function list(
  env: Env,
  initial: readonly string[],
  summary: string,
  notes: SettingNotes = {},
): Setting<readonly string[]> {
  const expected = 'a list (in the environment: separated by commas)';
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: (raw) => {
      if (raw === null) return [];
      if (!Array.isArray(raw) || raw.some((item) => typeof item === 'object')) return refuse(expected, raw);
      return raw.map(String);
    },
    fromText: (raw) => (raw === '' ? [] : raw.split(',').map((item) => item.trim())),
    toJson: (value) => value,
  });
}

/** Names and texts; in the environment `name:text,name:text`. */
export function pairs(
  env: Env,
  initial: Readonly<Record<string, string>>,
  summary: string,
  notes: SettingNotes = {},
): Setting<Readonly<Record<string, string>>> {
  const expected = 'names with texts (in the environment: name:text,name:text)';
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: (raw) => {
      if (raw === null) return {};
      if (typeof raw !== 'object' || Array.isArray(raw)) return refuse(expected, raw);
      return Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, String(value)]));
    },
    fromText: (raw) => {
      const entries = raw === '' ? [] : raw.split(',').map((item) => item.split(/:(.*)/s));
      if (entries.some(([, value]) => value === undefined)) return refuse(expected, raw);
      return Object.fromEntries(entries.map(([name = '', value = '']) => [name.trim(), value]));
    },
    toJson: (value) => value,
  });
}

/** One of some words. `aliases` are accepted and mean one of them. */
export function choice<const Word extends string>(
  env: Env,
  initial: Word,
  words: readonly Word[],
  summary: string,
  notes: SettingNotes & { readonly aliases?: Readonly<Record<string, Word>> } = {},
): Setting<Word> {
  const expected = `one of ${words.map((word) => (word === '' ? '""' : word)).join(', ')}`;
  const parse = (raw: Raw) => {
    const word = words.find((candidate) => candidate === raw) ?? notes.aliases?.[String(raw)];
    return word ?? refuse(expected, raw);
  };
  return setting(env, initial, summary, notes, {
    expected,
    fromYaml: parse,
    fromText: parse,
    toJson: (value) => value,
  });
}

/** A list of objects with text fields; only a file can give it. */
export function records<const Field extends string>(
  fields: readonly Field[],
  summary: string,
  notes: SettingNotes = {},
): Setting<readonly Readonly<Partial<Record<Field, string>>>[]> {
  const expected = `a list of objects with the fields ${fields.join(', ')}`;
  return setting<readonly Readonly<Partial<Record<Field, string>>>[]>(undefined, [], summary, notes, {
    expected,
    fromYaml: (raw) => {
      if (raw === null) return [];
      if (!Array.isArray(raw)) return refuse(expected, raw);
      return raw.map((item: Raw) => recordOf(fields, expected, item));
    },
    fromText: (raw) => refuse(expected, raw),
    toJson: (value) =>
      value.map((item) =>
        Object.fromEntries(Object.entries<string | undefined>(item).map(([field, content]) => [field, content ?? ''])),
      ),
  });
}

function recordOf<Field extends string>(
  fields: readonly Field[],
  expected: string,
  raw: Raw,
): Readonly<Partial<Record<Field, string>>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return refuse(expected, raw);
  const record: Partial<Record<Field, string>> = {};
  for (const [name, value] of Object.entries(raw)) {
    const field = fields.find((candidate) => candidate === name);
    if (field === undefined) throw new SettingError(`expected ${expected}, found the field ${JSON.stringify(name)}`);
    record[field] = String(value);
  }
  return record;
}
