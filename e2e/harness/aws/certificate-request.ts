// What a request for a certificate says, as OpenSSL reads it: it also checks that the request is signed with the key that it asks a certificate for.
import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';

/** A request that was looked at. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly uris: readonly string[];
  /** DER of its SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
}

/** Reads a request in PEM. Errors: OpenSSL's, when it is none or is not signed with its key. */
export async function readCertificateRequest(pem: string): Promise<CertificateRequest> {
  const text = await new Promise<string>((resolve, reject) => {
    const options = ['req', '-verify', '-noout', '-text', '-pubkey', '-subject', '-nameopt', 'multiline'];
    const program = execFile('openssl', options, { timeout: 20_000 }, (error, output, said) => {
      if (error === null && said.includes('verify OK')) resolve(output);
      else reject(error ?? new Error(said));
    });
    program.stdin?.end(pem);
  });
  const [publicKey = ''] = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/.exec(text) ?? [];
  const [, commonName = ''] = /^\s*commonName\s*= (.*)$/m.exec(text) ?? [];
  return {
    commonName,
    uris: [...text.matchAll(/URI:([^,\s]+)/g)].map(([, uri = '']) => uri),
    publicKey: createPublicKey(publicKey).export({ type: 'spki', format: 'der' }),
  };
}
