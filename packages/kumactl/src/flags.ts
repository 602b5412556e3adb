// Flags that more than one command has, and how their values are read. Wrong values end with the usage error of the command line (exit code 2).
import { parseDuration } from '@ursa/resources';
import { InvalidArgumentError, Option } from 'commander';

const formats = ['table', 'yaml', 'json'] as const;

/** The forms in which kumactl prints. */
export type OutputFormat = (typeof formats)[number];

/** `-o, --output`. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'form of the output').choices(formats).default('table');
}

/** `--force`. */
export function forceOption(): Option {
  return new Option('--force', 'go on where strict mTLS would cut off clients').default(false);
}

/** One `key=value`. */
export type Pair = readonly [key: string, value: string];

/** Collects one more `key=value`. */
export function collectPairs(text: string, previous: readonly Pair[]): readonly Pair[] {
  const pair = pairOf(text);
  if (pair === undefined) throw new InvalidArgumentError('Expected key=value.');
  return [...previous, pair];
}

/** Collects one more text as it is. */
export function collectTexts(text: string, previous: readonly string[]): readonly string[] {
  return [...previous, text];
}

/** Collects more words, joined with commas or given one by one. */
export function collectWords(text: string, previous: readonly string[]): readonly string[] {
  return [...previous, ...text.split(',').filter((word) => word !== '')];
}

/** Splits at the first `=`; undefined when there is no key. */
export function pairOf(text: string): Pair | undefined {
  const separator = text.indexOf('=');
  return separator < 1 ? undefined : [text.slice(0, separator), text.slice(separator + 1)];
}

/** A duration above zero, as it was written: the control plane reads it itself. */
export function positiveDuration(text: string): string {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds <= 0)
    throw new InvalidArgumentError('Expected a duration such as 30s or 24h.');
  return text;
}

/** A duration, or 0 for none. */
export function durationOrNone(text: string): string {
  return parseDuration(text) === 0 ? text : positiveDuration(text);
}

/** A whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => string {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`Expected a whole number, ${least} or more.`);
    return text;
  };
}

/** The flag of commands that read files: as if the control plane were set so. */
export const autoReachableFlag = [
  '--auto-reachable-services',
  'as if outbounds followed from permissions (KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES of the control plane)',
  false,
] as const;
