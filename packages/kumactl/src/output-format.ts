// The three forms in which kumactl prints.
import { MeshError } from '@ursa/resources';

const formats = ['table', 'yaml', 'json'] as const;

export type OutputFormat = (typeof formats)[number];

/** Parses `--output`. */
export function outputFormat(word: string): OutputFormat {
  const format = formats.find((candidate) => candidate === word);
  if (format === undefined) throw new MeshError('invalid', `--output: expected ${formats.join(', ')}, got "${word}"`);
  return format;
}
