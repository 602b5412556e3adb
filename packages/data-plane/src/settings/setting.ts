// What one setting of kuma-dp is: where it comes from, how its text is read, what it is when nobody says anything.
import { parseDuration } from '@ursa/resources';

/** A setting; its value is of type `Value`. */
export interface Setting<Value> {
  /** Place in the effective configuration, as the peer nests it: `dataplane.drainTime`. */
  readonly path: string;
  readonly env: string;
  /** Long flag without dashes; the flag wins over the environment. */
  readonly flag?: string;
  /** One-letter form of the flag. */
  readonly short?: string;
  readonly initial: Value;
  readonly help: string;
  /** What the value looks like in `--help`; absent for switches. */
  readonly placeholder?: string;
  /** Read by the control plane or a later part of kuma-dp; says what does not happen here. */
  readonly withoutEffect?: string;
  /** Never printed. */
  readonly secret?: boolean;
  /** Undefined when the text is not a value of this setting. `before` is the value so far: repeatable flags add to it. */
  read(text: string, before: Value): Value | undefined;
  /** What `read` wants, for its error. */
  readonly expects: string;
}

/** What a definition has to say for itself; the kind adds the rest. */
export type SettingFacts<Value> = Omit<Setting<Value>, 'read' | 'expects' | 'initial'> & { readonly initial?: Value };

/** Any text. */
export function textSetting(facts: SettingFacts<string>): Setting<string> {
  return { initial: '', placeholder: 'text', ...facts, expects: 'text', read: (text) => text };
}

/** One of a few words. */
export function choiceSetting<Word extends string>(
  words: readonly Word[],
  facts: SettingFacts<Word | ''>,
): Setting<Word | ''> {
  return {
    initial: '',
    placeholder: words.join('|'),
    ...facts,
    expects: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
  };
}

/** On or off. */
export function switchSetting(facts: SettingFacts<boolean>): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    '1': true,
    t: true,
    false: false,
    '0': false,
    f: false,
  };
  return { initial: false, ...facts, expects: 'true or false', read: (text) => words[text.toLowerCase()] };
}

/** A whole number within bounds. */
export function numberSetting(
  bounds: { readonly least: number; readonly most: number },
  facts: SettingFacts<number>,
): Setting<number> {
  return {
    initial: 0,
    placeholder: 'number',
    ...facts,
    expects: `a whole number from ${bounds.least} to ${bounds.most}`,
    read(text) {
      const number = Number(text);
      return /^\d+$/.test(text) && number >= bounds.least && number <= bounds.most ? number : undefined;
    },
  };
}

/** A positive time in milliseconds, written as `1m30s`. */
export function durationSetting(facts: SettingFacts<number>): Setting<number> {
  return {
    initial: 0,
    placeholder: 'duration',
    ...facts,
    expects: 'a positive duration such as 30s or 1m30s',
    read(text) {
      const milliseconds = parseDuration(text);
      return milliseconds !== undefined && milliseconds > 0 ? milliseconds : undefined;
    },
  };
}

/** `key=value` pairs; the flag may be repeated, and several pairs may be joined by commas. */
export function pairsSetting(
  facts: SettingFacts<Readonly<Record<string, string>>>,
): Setting<Readonly<Record<string, string>>> {
  return {
    initial: {},
    placeholder: 'key=value',
    ...facts,
    expects: 'key=value',
    read(text, before) {
      const pairs = text.split(',').map((part) => part.split('='));
      if (pairs.some((pair) => pair.length < 2 || pair[0]?.trim() === '')) return undefined;
      return { ...before, ...Object.fromEntries(pairs.map(([key = '', ...value]) => [key.trim(), value.join('=')])) };
    },
  };
}

/** A list of texts; the flag may be repeated. */
export function listSetting(facts: SettingFacts<readonly string[]>): Setting<readonly string[]> {
  return { initial: [], placeholder: 'text', ...facts, expects: 'text', read: (text, before) => [...before, text] };
}
