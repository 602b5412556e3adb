// Issues the control plane's certificates. Their bytes are written by @ursa/certificates (decision 0070); the cryptography is node:crypto's, called
// asynchronously so that it runs in the thread pool.
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import {
  type AlternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateContent,
  type CertificateSigner,
  distinguishedName,
  extendedKeyUsage,
  type extendedKeyUsages,
  keyUsage,
  signCertificate,
  signCertificateRequest,
  subjectAltName,
  subjectKeyIdentifier,
  type Validity,
} from '@ursa/certificates';
import { MeshError } from '@ursa/resources';

const signAsync = promisify(sign);

/** Who signs. */
export interface Issuer {
  readonly privateKey: KeyObject;
  /** DER of the signing certificate's subject. */
  readonly subject: Buffer;
  readonly keyId: Buffer;
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

// What all leaf certificates say: a thousand are issued at once.
const leafKeyUsage = keyUsage('digitalSignature', 'keyEncipherment', 'keyAgreement');
const noAuthority = basicConstraints(false);

/** Identifies a key in certificates: SHA-1 of its public key's DER (any value unique to the key will do, RFC 5280, 4.2.1.2). */
export function keyIdentifier(publicKey: Buffer): Buffer {
  return createHash('sha1').update(publicKey).digest();
}

/** Issues a leaf certificate, PEM. */
export async function issueLeaf(leaf: LeafCertificate, issuer: Issuer): Promise<string> {
  const { commonName = '' } = leaf;
  return await issue(issuer, {
    subject: distinguishedName(commonName),
    publicKey: leaf.publicKey,
    validity: leaf.validity,
    extensions: [
      leafKeyUsage,
      extendedKeyUsage(...leaf.usages),
      noAuthority,
      authorityKeyIdentifier(issuer.keyId),
      subjectAltName(leaf.names, commonName === ''),
    ],
  });
}

/** A request for a leaf certificate, PEM, for an authority elsewhere: the names, and the key that signs it. Times and usages are up to that authority. */
export async function requestLeaf(
  { commonName = '', names, publicKey }: Pick<LeafCertificate, 'commonName' | 'names' | 'publicKey'>,
  privateKey: KeyObject,
): Promise<string> {
  const extensions = [subjectAltName(names, commonName === '')];
  const content = { subject: distinguishedName(commonName), publicKey, extensions };
  return await signCertificateRequest(content, signerOf(privateKey));
}

/** Issues an authority's own certificate, PEM. */
export async function issueAuthority(authority: AuthorityCertificate): Promise<string> {
  const subject = distinguishedName(authority.commonName);
  const keyId = keyIdentifier(authority.publicKey);
  const { uris = [] } = authority;
  return await issue(
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
  return await issue(
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

async function issue(issuer: Issuer, content: Omit<CertificateContent, 'issuer' | 'serialNumber'>): Promise<string> {
  const { privateKey, subject } = issuer;
  return await signCertificate({ ...content, issuer: subject, serialNumber: randomBytes(16) }, signerOf(privateKey));
}

function signerOf(privateKey: KeyObject): CertificateSigner {
  const keyType = privateKey.asymmetricKeyType;
  if (keyType !== 'ec' && keyType !== 'rsa') {
    throw new MeshError('invalid', `a key that signs certificates must be RSA or ECDSA, not ${keyType}`);
  }
  return { keyType, sign: (bytes) => signAsync('sha256', bytes, privateKey) };
}
