// RSA keys that sign tokens: how a new one is made, how a stored one is read.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';

const generateKeyPairAsync = promisify(generateKeyPair);

/** A new 2048-bit RSA private key as the `data` of a Secret: base64 of PKCS #1 PEM. Made in the thread pool, ~50 ms of one core. */
export async function generateSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPairAsync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return Buffer.from(privateKey).toString('base64');
}

/** Reads the `data` of a signing key's Secret: base64 of PEM, or of the bare DER that old control planes wrote. */
export function parseSigningKey(data: string, secretName: string): KeyObject {
  const content = Buffer.from(data, 'base64');
  try {
    const key = content.includes('-----BEGIN')
      ? createPrivateKey({ key: content, format: 'pem' })
      : createPrivateKey({ key: content, format: 'der', type: 'pkcs1' });
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // The parser's own error says nothing of use and may quote the key.
  }
  throw new MeshError(
    'internal',
    `secret "${secretName}" holds no RSA private key; make one with \`kumactl generate signing-key\``,
  );
}

/** Reads an RSA public key in PEM, as configured for tokens that were issued offline. */
export function parsePublicKey(pem: string, where: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Answered below: what is wrong is the same whatever the parser says.
  }
  throw new MeshError(
    'invalid',
    `${where}: expected an RSA public key in PEM; make one with \`kumactl generate public-key\``,
  );
}
