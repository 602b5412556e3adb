// RSA signing keys in the forms in which users keep them: PEM, or PEM in base64 as a Secret's `data` carries it.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError } from '@ursa/resources';

function privateKeyOf(content: Buffer, file: string): KeyObject {
  const text = content.toString('utf8').trim();
  const pem = text.startsWith('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  const key = readKey(pem);
  if (key?.asymmetricKeyType !== 'rsa')
    throw new MeshError('invalid', `${file}: expected an RSA private key in PEM, or that in base64`);
  return key;
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** The private key in the form that JWT libraries read. */
export function pkcs8Of(content: Buffer, file: string): string {
  return privateKeyOf(content, file).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public half, PEM. */
export function publicKeyOf(content: Buffer, file: string): string {
  return createPublicKey(privateKeyOf(content, file)).export({ type: 'spki', format: 'pem' }).toString();
}
