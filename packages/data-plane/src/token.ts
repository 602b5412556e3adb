// The proxy's token: given inline or in a file.
import { readFileSync } from 'node:fs';
import { MeshError } from '@ursa/resources';
import { writePrivate } from './private-file.ts';
import type { Settings } from './settings/definitions.ts';

/** The token and the file that holds it; Envoy may read the file again when it changes. */
export interface Token {
  readonly text: string;
  readonly path: string;
}

/** Reads the token; one that was given inline is written into the folder. Without a token both texts are ''. */
export function readToken({ token, tokenPath }: Settings, folder: string): Token {
  if (token !== '') return { text: token.trim(), path: writePrivate(folder, 'token', token.trim()) };
  if (tokenPath === '') return { text: '', path: '' };
  let text: string;
  try {
    text = readFileSync(tokenPath, 'utf8').trim();
  } catch (cause) {
    throw new MeshError(
      'not-found',
      `--dataplane-token-file: ${tokenPath} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (text === '') throw new MeshError('invalid', `--dataplane-token-file: ${tokenPath} is empty`);
  return { text, path: tokenPath };
}
