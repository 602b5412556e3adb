// Key pairs for certificates, made in the thread pool.
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** Which keys: P-256 unless RSA is asked for, which takes a thousand times as long to make. */
export type KeyKind = { readonly kind: 'p256' } | { readonly kind: 'rsa'; readonly bits: number };

/** A new key pair. The private key in PKCS #8 PEM, the public one as DER of its SubjectPublicKeyInfo. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: Buffer;
}

/** Makes a key pair. */
export async function generateKeys(kind: KeyKind): Promise<KeyPair> {
  const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  return kind.kind === 'p256'
    ? await generate('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding })
    : await generate('rsa', { modulusLength: kind.bits, publicKeyEncoding, privateKeyEncoding });
}

/** Reads a private key in PEM, or undefined when it is none: the parser's errors are not passed on, they may quote the key. */
export function readPrivateKey(pem: string | Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
