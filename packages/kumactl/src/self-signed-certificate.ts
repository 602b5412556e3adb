// A certificate that signs itself, for a server or a client of the control plane. Loaded by its command only: the library costs start-up time.
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { MeshError } from '@ursa/resources';

/** What the certificate is for. */
export interface CertificateRequest {
  readonly type: 'server' | 'client';
  /** Host names and addresses; the first one is the common name. */
  readonly names: readonly string[];
  readonly keyType: 'rsa' | 'ecdsa';
  /** Milliseconds since 1970. */
  readonly now: number;
}

const validYears = 10;
/** A verifier whose clock is a little behind must accept a certificate that was made just now. */
const clockSkewMilliseconds = 5 * 60_000;

const algorithms = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
} as const;

/** Makes a key and its certificate, both PEM. It can stand as its own CA: whoever trusts it trusts it alone. */
export async function issueSelfSigned(request: CertificateRequest): Promise<{ certificate: string; key: string }> {
  const { type, names, keyType, now } = request;
  const algorithm = algorithms[keyType];
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new MeshError('internal', 'the crypto library gave no key pair');
  const usage = type === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${names[0] ?? 'kumactl'}`,
      notBefore: new Date(now - clockSkewMilliseconds),
      notAfter: new Date(new Date(now).setUTCFullYear(new Date(now).getUTCFullYear() + validYears)),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map(alternativeName))]),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`,
  };
}

function alternativeName(name: string): { readonly type: 'ip' | 'dns'; readonly value: string } {
  return { type: isIP(name) === 0 ? 'dns' : 'ip', value: name };
}
