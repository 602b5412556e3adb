// Puts an X.509 certificate (RFC 5280) together. Whoever calls brings the randomness and the key: nothing here knows a crypto library.
import {
  bitString,
  contextTag,
  element,
  integer,
  nothing,
  objectIdentifier,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

/** From when until when, in milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What a certificate says. Names and the public key are DER, extensions as the functions of `extensions.ts` give them. */
export interface CertificateContent {
  /** Positive number, the highest byte first; at most 20 bytes as DER, and not guessable. */
  readonly serialNumber: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly validity: Validity;
  readonly extensions: readonly Uint8Array[];
}

/** Who signs: ECDSA or RSA (PKCS #1) with SHA-256. */
export interface CertificateSigner {
  readonly keyType: 'ec' | 'rsa';
  /** The signature of the SHA-256 of these bytes; an ECDSA one as DER. */
  sign(bytes: Buffer): Promise<Uint8Array>;
}

/** A name that is just a common name, as DER; an empty one gives the empty name. */
export function distinguishedName(commonName: string): Buffer {
  if (commonName === '') return sequence();
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}

/** The signed certificate, PEM. */
export async function signCertificate(content: CertificateContent, signer: CertificateSigner): Promise<string> {
  const algorithm = signatureAlgorithms[signer.keyType];
  const toBeSigned = sequence(
    version3,
    integer(content.serialNumber),
    algorithm,
    content.issuer,
    sequence(time(content.validity.notBefore), time(content.validity.notAfter)),
    content.subject,
    content.publicKey,
    element(contextTag.constructed(3), sequence(...content.extensions)),
  );
  return certificatePem(sequence(toBeSigned, algorithm, bitString(await signer.sign(toBeSigned))));
}

// Version 3, which has extensions, is written as 2.
const version3 = element(contextTag.constructed(0), integer(Buffer.from([2])));

const signatureAlgorithms = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing),
} as const;

function certificatePem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
