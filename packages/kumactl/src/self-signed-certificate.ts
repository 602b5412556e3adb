// A certificate that signs itself (RFC 5280), for a server or a client of the control plane.
import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import {
  type AlternativeNames,
  basicConstraints,
  distinguishedName,
  extendedKeyUsage,
  keyUsage,
  signCertificate,
  subjectAltName,
  subjectKeyIdentifier,
} from '@ursa/certificates';

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
/** Longest common name (RFC 5280, ub-common-name). */
const longestCommonName = 64;

const usages = { server: 'serverAuth', client: 'clientAuth' } as const;
const signAsync = promisify(sign);

/** Makes a key and its certificate, both PEM. It stands as its own CA: whoever trusts it trusts it alone. */
export async function issueSelfSigned(request: CertificateRequest): Promise<{ certificate: string; key: string }> {
  const { type, names, keyType, now } = request;
  const keys = await makeKeys(keyType);
  const name = distinguishedName((names[0] ?? 'kumactl').slice(0, longestCommonName));
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  const certificate = await signCertificate(
    {
      serialNumber: randomBytes(16),
      issuer: name,
      subject: name,
      publicKey,
      validity: {
        notBefore: now - clockSkewMilliseconds,
        notAfter: new Date(now).setUTCFullYear(new Date(now).getUTCFullYear() + validYears),
      },
      extensions: [
        basicConstraints(true),
        // RSA keys may encipher, too.
        keyUsage('digitalSignature', 'certSign', ...(keyType === 'rsa' ? (['keyEncipherment'] as const) : [])),
        extendedKeyUsage(usages[type]),
        subjectKeyIdentifier(createHash('sha256').update(publicKey).digest().subarray(0, 20)),
        ...(names.length === 0 ? [] : [subjectAltName(alternativeNames(names), false)]),
      ],
    },
    {
      keyType: keyType === 'rsa' ? 'rsa' : 'ec',
      sign: (bytes) => signAsync('sha256', bytes, keys.privateKey),
    },
  );
  return { certificate, key: String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })) };
}

function makeKeys(keyType: CertificateRequest['keyType']): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  const generate = promisify(generateKeyPair);
  return keyType === 'rsa' ? generate('rsa', { modulusLength: 2048 }) : generate('ec', { namedCurve: 'P-256' });
}

function alternativeNames(names: readonly string[]): AlternativeNames {
  return {
    dnsNames: names.filter((name) => isIP(name) === 0),
    addresses: names.filter((name) => isIP(name) !== 0),
  };
}
