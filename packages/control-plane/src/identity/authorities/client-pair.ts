// Certificates and keys with which a backend is spoken to, looked at before the Mesh is written.
import { X509Certificate } from 'node:crypto';
import type { Violation } from '@ursa/resources';
import { readPrivateKey } from '../certificates/key-pair.ts';
import type { SourceContents } from './define-authority.ts';

/** What is wrong with the authority that a server must be of, and with the pair under `pair` (`.clientCert`, `.clientKey`). What is absent is not looked at. */
export function validateClientPair(contents: SourceContents, authority: string, pair?: string): readonly Violation[] {
  const violations: Violation[] = [];
  const root = contents[authority];
  if (root !== undefined && parse(root) === undefined)
    violations.push({ field: authority, message: 'expected a certificate in PEM' });
  const [certFile, keyFile] = [`${pair}.clientCert`, `${pair}.clientKey`];
  const [certificate, key] = [contents[certFile], contents[keyFile]];
  if (certificate === undefined || key === undefined) return violations;
  const parsed = parse(certificate);
  const privateKey = readPrivateKey(key);
  if (parsed === undefined) violations.push({ field: certFile, message: 'expected a certificate in PEM' });
  if (privateKey === undefined)
    violations.push({ field: keyFile, message: 'expected an unencrypted private key in PEM' });
  else if (parsed?.checkPrivateKey(privateKey) === false)
    violations.push({ field: keyFile, message: 'is not the key of clientCert: give the pair that belongs together' });
  return violations;
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
