// A join code as the store has it: a GlobalSecret with a hash of the secret, never the secret. Who deletes it takes the code back.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Resource, ResourceKey } from '@ursa/resources';
import type { StoreWrite } from '../../store/store.ts';
import { secretData } from '../tokens/token-keys.ts';

/** What is remembered of a code. Times are milliseconds since 1970. */
export interface StoredCode {
  readonly mesh: string;
  /** The service and the name that its proxy must have; undefined: whatever whoever joins says. */
  readonly service?: string;
  readonly name?: string;
  /** SHA-256 of the secret, in hex. The secret is random and long: nothing slower is needed. */
  readonly hash: string;
  readonly expires: number;
  readonly tokenValidForSeconds: number;
  readonly issuedBy: string;
  /** Set when it has been exchanged; kept for a while, so that a second use can be told what happened. */
  readonly used?: { readonly at: number; readonly proxy: string };
}

const namePrefix = 'join-code-';

/** Key of a code's resource. */
export function codeKey(id: string): ResourceKey {
  return { type: 'GlobalSecret', mesh: '', name: `${namePrefix}${id}` };
}

/** Whether this is the name of a code's resource. */
export function isCodeName(name: string): boolean {
  return name.startsWith(namePrefix);
}

/** The hash under which a secret is known. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether a secret is the one behind a hash; takes as long when it is not. */
export function isSecretOf(secret: string, hash: string): boolean {
  const given = Buffer.from(hashSecret(secret), 'hex');
  const known = Buffer.from(hash, 'hex');
  return known.length === given.length && timingSafeEqual(given, known);
}

/** Reads the resource; undefined when it holds no code. */
export function readStoredCode(resource: Resource | undefined): StoredCode | undefined {
  if (resource === undefined || !isCodeName(resource.name)) return undefined;
  try {
    const code = JSON.parse(Buffer.from(secretData(resource), 'base64').toString('utf8')) as StoredCode | null;
    return typeof code?.hash === 'string' && typeof code.mesh === 'string' && typeof code.expires === 'number'
      ? code
      : undefined;
  } catch {
    return undefined;
  }
}

/** The write that stores a code; `expectedVersion` 0 for a new one. */
export function codeWrite(id: string, code: StoredCode, expectedVersion: number): StoreWrite {
  const data = Buffer.from(JSON.stringify(code)).toString('base64');
  return { kind: 'put', resource: { ...codeKey(id), labels: {}, spec: { data } }, expectedVersion };
}
