// Where `apply -f` reads from: a file, every YAML and JSON file of a folder, an address, or standard input.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import type { Terminal } from './terminal.ts';

/** A text and what to call it in errors. */
export interface SourceText {
  readonly name: string;
  readonly text: string;
}

const fetchTimeoutMilliseconds = 30_000;
const largestBytes = 10 << 20;

/** Reads everything that `-f` names. A folder gives its files in order of their names. */
export async function readSources(place: string, terminal: Terminal): Promise<readonly SourceText[]> {
  if (place === '-') return [{ name: 'standard input', text: await terminal.readInput() }];
  if (/^https?:\/\//.test(place)) return [{ name: place, text: await fetchText(place) }];
  let isFolder: boolean;
  try {
    isFolder = statSync(place).isDirectory();
  } catch (cause) {
    throw new MeshError('not-found', `--file: ${place} does not exist or cannot be read`, { cause });
  }
  if (!isFolder) return [readText(place)];
  const files = readdirSync(place)
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort();
  if (files.length === 0)
    throw new MeshError('invalid', `--file: the folder ${place} holds no .yaml, .yml or .json file`);
  return files.map((file) => readText(join(place, file)));
}

function readText(file: string): SourceText {
  if (statSync(file).size > largestBytes)
    throw new MeshError('too-large', `${file} is larger than ${largestBytes >> 20} MiB`);
  return { name: file, text: readFileSync(file, 'utf8') };
}

async function fetchText(address: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(fetchTimeoutMilliseconds) });
  } catch (cause) {
    throw new MeshError(
      'unavailable',
      `--file: could not read ${address}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  if (!response.ok) throw new MeshError('unavailable', `--file: ${address} answered ${response.status}`);
  const text = await response.text();
  if (text.length > largestBytes)
    throw new MeshError('too-large', `${address} is larger than ${largestBytes >> 20} MiB`);
  return text;
}
