// The keys and revocations of each kind of token as the store has them now, kept current by the graph.
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Derivation } from '@ursa/collections';
import { MeshError, type Resource, type TokenKind, tokenSecrets } from '@ursa/resources';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { parseSigningKey } from './signing-key.ts';

/** A stored signing key, unparsed. */
export interface StoredSigningKey {
  readonly kid: string;
  readonly secretName: string;
  readonly data: string;
}

/** What decides over tokens of one kind (and mesh): plain data, so that an equal write wakes nobody. */
export interface TokenKeys {
  /** Oldest first; the last one signs. */
  readonly signingKeys: readonly StoredSigningKey[];
  /** Ids of revoked tokens. */
  readonly revoked: readonly string[];
}

/** Derives the keys of a kind of token and, for data plane tokens, a mesh (else ''). */
export function deriveTokenKeys(live: LiveResources): Derivation<readonly [kind: TokenKind, mesh: string], TokenKeys> {
  return live.graph.derive('token-keys', (kind: TokenKind, mesh: string): TokenKeys => {
    const names = tokenSecrets(kind, mesh);
    const secrets = live.resources(names.type);
    const signingKeys = secrets
      .index('numbered-secret', numberedSecretBucket)
      .get(`${names.mesh}/${names.signingKeyPrefix}`)
      .map((key) => secrets.get(key))
      .filter((secret) => secret !== undefined)
      .map((secret) => ({
        kid: secret.name.slice(names.signingKeyPrefix.length),
        secretName: secret.name,
        data: secretData(secret),
      }))
      .sort((one, other) => compareSerials(one.kid, other.kid));
    const revocations = secrets.get(keyInType({ mesh: names.mesh, name: names.revocations }));
    return { signingKeys, revoked: revocations === undefined ? [] : parseRevocations(secretData(revocations)) };
  });
}

/** Whether there is any signing key of a kind of token (and mesh). */
export function hasSigningKey(live: LiveResources, kind: TokenKind, mesh: string): boolean {
  const names = tokenSecrets(kind, mesh);
  const keys = live.resources(names.type).index('numbered-secret', numberedSecretBucket);
  return keys.get(`${names.mesh}/${names.signingKeyPrefix}`).length > 0;
}

/** The `data` of a Secret or GlobalSecret: base64, '' when it has none. */
export function secretData(secret: Resource): string {
  const { spec } = secret;
  return typeof spec === 'object' && spec !== null && 'data' in spec && typeof spec.data === 'string' ? spec.data : '';
}

/** A signing key, parsed. */
export interface ParsedSigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Parses signing keys once each: reading a PEM costs more than using it. */
export function signingKeyCache(): (stored: StoredSigningKey) => ParsedSigningKey {
  // Keyed by content. Keys come and go by hand, a few in a year, so only a churn of them makes it start anew.
  const parsed = new Map<string, ParsedSigningKey>();
  return (stored) => {
    let key = parsed.get(stored.data);
    if (key === undefined) {
      const privateKey = parseSigningKey(stored.data, stored.secretName);
      key = { privateKey, publicKey: createPublicKey(privateKey) };
      if (parsed.size >= 1000) parsed.clear();
      parsed.set(stored.data, key);
    }
    return key;
  };
}

/** The key that signs new tokens. Errors: `MeshError('unavailable')` when there is none. */
export function newestSigningKey(keys: TokenKeys, kind: TokenKind, mesh: string): StoredSigningKey {
  const newest = keys.signingKeys.at(-1);
  if (newest !== undefined) return newest;
  const names = tokenSecrets(kind, mesh);
  throw new MeshError(
    'unavailable',
    `there is no signing key for ${kind} tokens${mesh === '' ? '' : ` of mesh "${mesh}"`}: create ${names.type} "${names.signingKeyPrefix}1" with the output of \`kumactl generate signing-key\``,
  );
}

function numberedSecretBucket(secret: Resource): readonly string[] {
  const name = /^(.+-token-signing-key-(?:.+-)?)(?:0|[1-9][0-9]*)$/.exec(secret.name);
  return name === null ? [] : [`${secret.mesh}/${name[1]}`];
}

// By value, not as text: 10 is newer than 9. Serials may be longer than a number holds exactly.
function compareSerials(one: string, other: string): number {
  return one.length === other.length ? (one < other ? -1 : 1) : one.length - other.length;
}

function parseRevocations(data: string): readonly string[] {
  const list = Buffer.from(data, 'base64').toString('utf8');
  return list
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
}
