// Seals specs that hold secrets before they are stored, and opens them when they are read. In memory, and for all but the stores' files, they are plain.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { concealSecrets, formatResourceKey, MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import type { SealingKeys } from './sealing-keys.ts';

/** What stands in a store in place of a spec: AES-256-GCM, bound to the resource's type, mesh and name, with the id of its key. */
interface Sealed {
  readonly $sealed: 'aes-256-gcm';
  readonly key: string;
  /** Base64 of the nonce, the sealed bytes and the tag. */
  readonly data: string;
}

/** Turns specs into what is stored, and back. */
export interface Sealer {
  /** The spec as it is to be stored. */
  seal(resource: Pick<Resource, 'type' | 'mesh' | 'name' | 'spec'>): unknown;
  /** The spec of what is stored. Errors: `MeshError('unavailable')` when its key is not here, or when it is not what was sealed. */
  open(key: ResourceKey, stored: unknown): unknown;
  /** Whether what is stored is to be sealed anew: with the current key, at all, or not any more. */
  isOutdated(resource: Pick<Resource, 'type' | 'spec'>, stored: unknown): boolean;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const keyTypes: ReadonlySet<string> = new Set(['GlobalSecret', 'Secret']);
const setting = 'store.encryption.keyFile (KUMA_STORE_ENCRYPTION_KEY_FILE)';

/** A sealer with these keys. */
export function createSealer({ current, all }: SealingKeys): Sealer {
  return {
    seal(resource) {
      if (current === undefined || !holdsSecrets(resource)) return resource.spec;
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, current.bytes, nonce).setAAD(placeOf(resource));
      const sealed = [
        cipher.update(JSON.stringify(resource.spec ?? null), 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ];
      const data = Buffer.concat([nonce, ...sealed]).toString('base64');
      return { $sealed: algorithm, key: current.id, data } satisfies Sealed;
    },
    open(key, stored) {
      if (!isSealed(stored)) return stored;
      const sealingKey = all.get(stored.key);
      if (sealingKey === undefined) throw withoutKey(key, stored, all.size > 0);
      try {
        const bytes = Buffer.from(stored.data, 'base64');
        const decipher = createDecipheriv(algorithm, sealingKey.bytes, bytes.subarray(0, nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(placeOf(key)).setAuthTag(bytes.subarray(-tagBytes));
        const parts = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()];
        return JSON.parse(Buffer.concat(parts).toString('utf8'));
      } catch (cause) {
        const what = `${key.type} ${JSON.stringify(key.name)}${key.mesh === '' ? '' : ` of mesh ${JSON.stringify(key.mesh)}`}`;
        throw new MeshError(
          'unavailable',
          `${what} in the store is not what was sealed: it was changed or moved by somebody else; restore a backup`,
          { cause },
        );
      }
    },
    isOutdated(resource, stored) {
      if (isSealed(stored)) return stored.key !== current?.id;
      return current !== undefined && holdsSecrets(resource);
    },
  };
}

/** Secrets, and whatever has a key, a token or a password standing in itself. */
function holdsSecrets({ type, spec }: Pick<Resource, 'type' | 'spec'>): boolean {
  return keyTypes.has(type) || concealSecrets(spec) !== spec;
}

function isSealed(stored: unknown): stored is Sealed {
  return typeof stored === 'object' && stored !== null && '$sealed' in stored;
}

/** What is sealed for one resource does not open as another's. */
function placeOf(key: ResourceKey): Buffer {
  return Buffer.from(formatResourceKey(key));
}

function withoutKey({ type, name }: ResourceKey, { key }: Sealed, hasKeys: boolean): MeshError {
  const sealed = `the store is encrypted: ${type} ${JSON.stringify(name)} is sealed with the key ${key}`;
  return new MeshError(
    'unavailable',
    hasKeys
      ? `${sealed}, which is none of those in ${setting}: add that key as a further line, or restore the file that has it`
      : `${sealed}, and there is no key: name the file that has it with ${setting}`,
  );
}
