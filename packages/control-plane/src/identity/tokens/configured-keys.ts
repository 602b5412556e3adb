// Public keys from the settings (`publicKeys` of the token validators), for tokens that are signed away from the control plane.
import { readFile } from 'node:fs/promises';
import { MeshError, type TokenKind } from '@ursa/resources';
import type { ConfiguredPublicKey } from './tokens.ts';

/** An entry of `publicKeys` as it is written. */
export interface PublicKeyEntry {
  readonly kid?: string | undefined;
  readonly mesh?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Reads the entries for a kind of token; `setting` names them in errors. Errors: `MeshError('invalid')`. */
export async function loadPublicKeys(
  kind: TokenKind,
  entries: readonly PublicKeyEntry[],
  setting: string,
): Promise<readonly ConfiguredPublicKey[]> {
  return await Promise.all(
    entries.map(async ({ kid = '', mesh = '', key = '', keyFile = '' }, position) => {
      const at = `${setting}[${position}]`;
      if (kid === '') throw new MeshError('invalid', `${at}.kid: must be set: it is what tokens name their key by`);
      if (kind === 'dataplane' && mesh === '')
        throw new MeshError('invalid', `${at}.mesh: must be set for data plane tokens`);
      if ((key === '') === (keyFile === '')) throw new MeshError('invalid', `${at}: set either key or keyFile`);
      return {
        kind,
        kid,
        mesh: kind === 'dataplane' ? mesh : '',
        key: key === '' ? await readKeyFile(keyFile, at) : key,
      };
    }),
  );
}

async function readKeyFile(file: string, at: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MeshError('invalid', `${at}.keyFile: cannot read ${file}: check the path and its permissions`, { cause });
  }
}
