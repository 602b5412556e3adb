// Where sealing keys come from: a file, or a program that fetches them (a KMS, a vault).
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../log.ts';
import { noSealingKeys, parseSealingKeys, type SealingKeys } from './sealing-keys.ts';

const fileSetting = 'store.encryption.keyFile (KUMA_STORE_ENCRYPTION_KEY_FILE)';
const commandSetting = 'store.encryption.keyCommand (KUMA_STORE_ENCRYPTION_KEY_COMMAND)';
const commandPatience = 30_000;
const longestOutput = 64 * 1024;

/** The keys of the settings. Errors: `MeshError('invalid')` that names the setting; what a program printed is never part of it. */
export async function loadSealingKeys(
  { keyFile, keyCommand }: Settings['store']['encryption'],
  log: Pick<Logger, 'warn'>,
): Promise<SealingKeys> {
  if (keyFile !== '' && keyCommand.length > 0)
    throw new MeshError('invalid', `${fileSetting} and ${commandSetting} are both set: keep one of them`);
  if (keyFile !== '') return parseSealingKeys(await readKeyFile(keyFile, log), `${fileSetting}: ${keyFile}`);
  if (keyCommand.length === 0) return noSealingKeys;
  return parseSealingKeys(await runKeyCommand(keyCommand), `${commandSetting}: what ${keyCommand[0]} prints`);
}

async function readKeyFile(file: string, log: Pick<Logger, 'warn'>): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0)
      log.warn('the key of the store can be read by others than its owner', { file, remedy: `chmod 600 ${file}` });
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError(
      'invalid',
      `${fileSetting}: cannot read ${file}: ${reason}; make a key once with "head -c 32 /dev/urandom | base64", and keep it apart from the store`,
      { cause },
    );
  }
}

async function runKeyCommand([program = '', ...parameters]: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, parameters, {
      timeout: commandPatience,
      maxBuffer: longestOutput,
    });
    return stdout;
  } catch (cause) {
    const { code, killed, stderr } = cause as {
      readonly code?: unknown;
      readonly killed?: boolean;
      readonly stderr?: string;
    };
    const reason = killed === true ? `no end within ${commandPatience / 1000} s` : `it ended with ${String(code)}`;
    const said = stderr?.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
    // The error itself has the output, which may hold a key.
    throw new MeshError(
      'invalid',
      `${commandSetting}: ${program} gave no keys: ${reason}${said === '' ? '' : ` (${said})`}`,
    );
  }
}
