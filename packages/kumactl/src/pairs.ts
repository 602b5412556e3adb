// Flags of the form key=value that may be given several times.
import { MeshError } from '@ursa/resources';

export type Pair = readonly [key: string, value: string];

/** Collects one more `key=value`; for commander's option parser. */
export function collectPairs(text: string, previous: readonly Pair[]): readonly Pair[] {
  const separator = text.indexOf('=');
  if (separator < 1) throw new MeshError('invalid', `expected key=value, got "${text}"`);
  return [...previous, [text.slice(0, separator), text.slice(separator + 1)]];
}
