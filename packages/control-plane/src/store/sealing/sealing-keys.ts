// Keys that resources with secrets in them are sealed with: read from text, one a line, the first for what is written, all for what is read.
import { createHash } from 'node:crypto';
import { MeshError } from '@ursa/resources';

/** One key, and the id that stands beside what is sealed with it. */
export interface SealingKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Keys in use. */
export interface SealingKeys {
  /** For what is written; undefined: nothing is sealed (any more). */
  readonly current: SealingKey | undefined;
  readonly all: ReadonlyMap<string, SealingKey>;
}

/** Without keys: nothing is sealed, and nothing sealed can be read. */
export const noSealingKeys: SealingKeys = { current: undefined, all: new Map() };

/** In place of the first key: what is written is not sealed, what is sealed is still read. The way back. */
const plain = 'plain';
const keyBytes = 32;

/**
 * Keys in a text: each line 32 bytes in base64 or hex; empty lines and lines that begin with `#` do not count. Errors: `MeshError('invalid')` that
 * names the line, never what is in it.
 */
export function parseSealingKeys(text: string, source: string): SealingKeys {
  const lines = text.split('\n').flatMap((line, index) => {
    const content = line.trim();
    return content === '' || content.startsWith('#') ? [] : [{ content, number: index + 1 }];
  });
  if (lines.length === 0)
    throw new MeshError(
      'invalid',
      `${source} has no key: expected 32 bytes in base64, such as "head -c 32 /dev/urandom | base64" prints`,
    );
  const [first] = lines;
  const keys = lines.flatMap(({ content, number }, position) => {
    if (position === 0 && content === plain) return [];
    const bytes = readBytes(content);
    if (bytes === undefined)
      throw new MeshError('invalid', `${source}: line ${number} is no key: expected 32 bytes in base64 or hex`);
    return [{ id: idOf(bytes), bytes }];
  });
  const current = first?.content === plain ? undefined : keys[0];
  return { current, all: new Map(keys.map((key) => [key.id, key])) };
}

function readBytes(text: string): Buffer | undefined {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  const bytes = /^[A-Za-z\d+/]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  return bytes.length === keyBytes ? bytes : undefined;
}

/** Tells keys apart and says nothing of them: of 256 random bits a hash gives nothing away. */
function idOf(bytes: Buffer): string {
  return createHash('sha256').update('ursa sealing key').update(bytes).digest('hex').slice(0, 16);
}
