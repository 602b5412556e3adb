// Puts an X.509 certificate (RFC 5280), or a request for one, together. Whoever calls brings the randomness and the key: nothing here knows a crypto library.
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
  return pem('CERTIFICATE', sequence(toBeSigned, algorithm, bitString(await signer.sign(toBeSigned))));
}

/** A request for a certificate (PKCS #10, RFC 2986), PEM; it is signed with the key that it is for. */
export async function signCertificateRequest(
  { subject, publicKey, extensions }: Pick<CertificateContent, 'subject' | 'publicKey' | 'extensions'>,
  signer: CertificateSigner,
): Promise<string> {
  const algorithm = signatureAlgorithms[signer.keyType];
  const wanted = sequence(objectIdentifier(extensionRequest), set(sequence(...extensions)));
  const toBeSigned = sequence(
    integer(Buffer.from([0])),
    subject,
    publicKey,
    element(contextTag.constructed(0), wanted),
  );
  return pem('CERTIFICATE REQUEST', sequence(toBeSigned, algorithm, bitString(await signer.sign(toBeSigned))));
}

// The attribute of a request that lists extensions (RFC 2985, 5.4.2).
const extensionRequest = '1.2.840.113549.1.9.14';

// Version 3, which has extensions, is written as 2.
const version3 = element(contextTag.constructed(0), integer(Buffer.from([2])));

const signatureAlgorithms = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing),
} as const;

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
