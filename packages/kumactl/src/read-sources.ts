// Where `apply -f` reads from: a file, every YAML and JSON file of a folder, an address, or standard input.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import { withoutPassword } from './connection-error.ts';
import { readNamedFile } from './named-files.ts';
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
  if (/^https?:\/\//.test(place)) return [{ name: withoutPassword(place), text: await fetchText(place) }];
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
  const content = readNamedFile('--file', file);
  if (content.length > largestBytes) throw tooLarge(file);
  return { name: file, text: content.toString('utf8') };
}

async function fetchText(address: string): Promise<string> {
  const shown = withoutPassword(address);
  try {
    const url = new URL(address);
    const password = Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
    const headers = url.username === '' ? {} : { authorization: `Basic ${password.toString('base64')}` };
    url.username = '';
    url.password = '';
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(fetchTimeoutMilliseconds) });
    if (!response.ok) throw new MeshError('unavailable', `--file: ${shown} answered with status ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > largestBytes) throw tooLarge(shown);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    throw new MeshError('unavailable', `--file: could not read ${shown}: ${reasonOf(cause)}`, { cause });
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

function tooLarge(name: string): MeshError {
  return new MeshError('too-large', `--file: ${name} is larger than ${largestBytes >> 20} MiB`);
}
