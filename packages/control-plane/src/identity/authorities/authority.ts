// A certificate authority in use: read from PEM, checked, ready to sign.
import { type KeyObject, X509Certificate } from 'node:crypto';
import { extendedKeyUsages, extensionIds, keyUsageBits } from '@ursa/certificates';
import { MeshError, type Violation } from '@ursa/resources';
import { type Issuer, keyIdentifier } from '../certificates/certificate.ts';
import { contentOf, readCertificate } from '../certificates/der-reader.ts';
import { readPrivateKey } from '../certificates/key-pair.ts';

/** An authority as it is stored or configured, PEM. Plain data: what derivations compare. */
export interface AuthorityPair {
  /** One certificate, or a chain whose first one signs. */
  readonly certificate: string;
  readonly privateKey: string;
}

/** What is wrong with a pair that was provided as an authority; empty when it can sign. Fields are `cert`, `cert[1]`, `key`. */
export function validateAuthorityPair(pair: AuthorityPair): readonly Violation[] {
  const certificates = parseChain(pair.certificate);
  const first = certificates?.[0];
  if (certificates === undefined || first === undefined) {
    return [{ field: 'cert', message: 'not a valid TLS key pair: expected a certificate in PEM' }];
  }
  const key = readPrivateKey(pair.privateKey);
  if (key === undefined) {
    return [{ field: 'cert', message: 'not a valid TLS key pair: expected an unencrypted private key in PEM' }];
  }
  if (!first.checkPrivateKey(key)) {
    return [{ field: 'cert', message: 'not a valid TLS key pair: the private key is not the key of the certificate' }];
  }
  if (!canSign(key)) {
    return [{ field: 'cert', message: 'not a valid TLS key pair: the key must be RSA or ECDSA' }];
  }
  return certificates.flatMap((certificate, position) =>
    certificateFaults(certificate).map((message) => ({ field: `cert[${position}]`, message })),
  );
}

/** The signing side of a pair. Errors: `MeshError('invalid')` when it cannot sign. */
export function openIssuer(pair: AuthorityPair): Issuer {
  const key = readPrivateKey(pair.privateKey);
  const certificate = parseChain(pair.certificate)?.[0];
  if (key === undefined || certificate === undefined) {
    throw new MeshError(
      'invalid',
      'a certificate authority needs a certificate and an unencrypted private key, both in PEM',
    );
  }
  const parts = readCertificate(certificate.raw);
  const stated = parts.extensions.get(extensionIds.subjectKeyIdentifier);
  return {
    privateKey: key,
    subject: parts.subject,
    keyId: stated === undefined ? keyIdentifier(parts.publicKey) : contentOf(stated),
  };
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function parseChain(pem: string): readonly X509Certificate[] | undefined {
  try {
    return (pem.match(pemCertificate) ?? []).map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

// The demands are those of the X.509-SVID standard on signing certificates.
function certificateFaults(certificate: X509Certificate): readonly string[] {
  const usage = readCertificate(certificate.raw).extensions.get(extensionIds.keyUsage);
  const allows = (bit: keyof typeof keyUsageBits): boolean => usage !== undefined && usageBit(usage, keyUsageBits[bit]);
  const faults: string[] = [];
  if (!certificate.ca)
    faults.push("basic constraint 'CA' must be set to 'true' (see X509-SVID: 4.1. Basic Constraints)");
  if (!allows('certSign')) faults.push("key usage extension 'keyCertSign' must be set (see X509-SVID: 4.3. Key Usage)");
  if (allows('keyAgreement')) {
    faults.push(
      "key usage extension 'keyAgreement' must NOT be set (see X509-SVID: Appendix A. X.509 Field Reference)",
    );
  }
  // Clients of the mesh that look at the purpose of a certificate would take one with such an extension for an end of a connection.
  const purposes = certificate.keyUsage ?? [];
  const forEnds = Object.entries(extendedKeyUsages).filter(([, identifier]) => purposes.includes(identifier));
  for (const [name] of forEnds) {
    faults.push(`extended key usage '${name}' must NOT be set: it is for ends of connections, not for an authority`);
  }
  return faults;
}

function usageBit(usage: Buffer, bit: number): boolean {
  // The first octet of a bit string says how many of its last bits do not count.
  const octet = contentOf(usage)[1 + (bit >> 3)] ?? 0;
  return (octet & (0x80 >>> (bit & 7))) !== 0;
}

function canSign(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ec';
}
