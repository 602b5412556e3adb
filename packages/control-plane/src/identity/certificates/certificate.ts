// Builds and signs X.509 certificates. The bytes are written here because issuing must cost little (decision 0070); the cryptography is node:crypto's,
// called asynchronously so that it runs in the thread pool.
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';
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
import {
  type AlternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  type extendedKeyUsages,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';

const signAsync = promisify(sign);

/** Who signs. */
export interface Issuer {
  readonly privateKey: KeyObject;
  /** DER of the signing certificate's subject. */
  readonly subject: Buffer;
  readonly keyId: Buffer;
}

/** From when until when, in milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate of an end of a connection. */
export interface LeafCertificate {
  readonly commonName?: string;
  readonly names: AlternativeNames;
  /** DER of the holder's public key. */
  readonly publicKey: Buffer;
  readonly usages: readonly (keyof typeof extendedKeyUsages)[];
  readonly validity: Validity;
}

/** A self-signed certificate of an authority. */
export interface AuthorityCertificate {
  readonly commonName: string;
  readonly uris?: readonly string[];
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
  readonly validity: Validity;
}

/** Identifies a key in certificates: SHA-1 of its public key's DER (any value unique to the key will do, RFC 5280, 4.2.1.2). */
export function keyIdentifier(publicKey: Buffer): Buffer {
  return createHash('sha1').update(publicKey).digest();
}

// A name of just a common name; an empty one gives the empty name.
function distinguishedName(commonName: string): Buffer {
  if (commonName === '') return sequence();
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}

/** Issues a leaf certificate, PEM. */
export async function issueLeaf(leaf: LeafCertificate, issuer: Issuer): Promise<string> {
  const { commonName = '' } = leaf;
  return await signCertificate(issuer, {
    subject: distinguishedName(commonName),
    publicKey: leaf.publicKey,
    validity: leaf.validity,
    extensions: [
      keyUsage('digitalSignature', 'keyEncipherment', 'keyAgreement'),
      extendedKeyUsage(...leaf.usages),
      basicConstraints(false),
      authorityKeyIdentifier(issuer.keyId),
      subjectAltName(leaf.names, commonName === ''),
    ],
  });
}

/** Issues an authority's own certificate, PEM. */
export async function issueAuthority(authority: AuthorityCertificate): Promise<string> {
  const subject = distinguishedName(authority.commonName);
  const keyId = keyIdentifier(authority.publicKey);
  const { uris = [] } = authority;
  return await signCertificate(
    { privateKey: authority.privateKey, subject, keyId },
    {
      subject,
      publicKey: authority.publicKey,
      validity: authority.validity,
      extensions: [
        keyUsage('certSign', 'crlSign'),
        basicConstraints(true),
        subjectKeyIdentifier(keyId),
        ...(uris.length > 0 ? [subjectAltName({ uris }, false)] : []),
      ],
    },
  );
}

/**
 * Issues a certificate with which a server is its own authority, PEM: one file that the server shows and that clients are given to trust.
 */
export async function issueSelfSignedServer(
  server: AuthorityCertificate & { readonly names: AlternativeNames },
): Promise<string> {
  const subject = distinguishedName(server.commonName);
  const keyId = keyIdentifier(server.publicKey);
  return await signCertificate(
    { privateKey: server.privateKey, subject, keyId },
    {
      subject,
      publicKey: server.publicKey,
      validity: server.validity,
      extensions: [
        keyUsage('digitalSignature', 'keyEncipherment', 'certSign'),
        extendedKeyUsage('serverAuth'),
        basicConstraints(true),
        subjectKeyIdentifier(keyId),
        subjectAltName(server.names, false),
      ],
    },
  );
}

function certificatePem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

interface Content {
  readonly subject: Buffer;
  readonly publicKey: Buffer;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

// Version 3, which has extensions, is written as 2.
const version3 = element(contextTag.constructed(0), integer(Buffer.from([2])));

const signatureAlgorithms: Readonly<Record<string, Buffer>> = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing),
};

async function signCertificate(issuer: Issuer, content: Content): Promise<string> {
  const algorithm = signatureAlgorithms[issuer.privateKey.asymmetricKeyType ?? ''];
  if (algorithm === undefined) {
    throw new MeshError(
      'invalid',
      `a certificate authority's key must be RSA or ECDSA, not ${issuer.privateKey.asymmetricKeyType}`,
    );
  }
  const toBeSigned = sequence(
    version3,
    integer(randomBytes(16)),
    algorithm,
    issuer.subject,
    sequence(time(content.validity.notBefore), time(content.validity.notAfter)),
    content.subject,
    content.publicKey,
    element(contextTag.constructed(3), sequence(...content.extensions)),
  );
  const signature = await signAsync('sha256', toBeSigned, issuer.privateKey);
  return certificatePem(sequence(toBeSigned, algorithm, bitString(signature)));
}
