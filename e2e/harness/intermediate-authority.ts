// Authorities that another one has signed, as many companies have them: a root that is kept away, and below it those that issue.
import { randomBytes, sign } from 'node:crypto';
import {
  authorityKeyIdentifier,
  basicConstraints,
  distinguishedName,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
} from '@ursa/certificates';
import { type AuthorityPair, openIssuer } from '../../packages/control-plane/src/identity/authorities/authority.ts';
import { keyIdentifier } from '../../packages/control-plane/src/identity/certificates/certificate.ts';
import {
  generateKeys,
  type KeyKind,
  readPrivateKey,
} from '../../packages/control-plane/src/identity/certificates/key-pair.ts';

const hour = 3600_000;
const usualLife = 365 * 24 * hour;

/** An authority below `above`. Its certificate is one block; those above it are not in it. */
export async function issueIntermediate(
  above: AuthorityPair,
  name: string,
  kind: KeyKind = { kind: 'p256' },
): Promise<AuthorityPair> {
  const issuer = openIssuer(above);
  const { privateKey, publicKey } = await generateKeys(kind);
  const signer = readPrivateKey(above.privateKey);
  if (signer === undefined) throw new Error('the authority above has no key');
  const { asymmetricKeyType } = signer;
  const certificate = await signCertificate(
    {
      serialNumber: randomBytes(16),
      issuer: issuer.subject,
      subject: distinguishedName(name),
      publicKey,
      validity: { notBefore: Date.now() - hour, notAfter: Date.now() + usualLife },
      extensions: [
        keyUsage('certSign', 'crlSign'),
        basicConstraints(true),
        subjectKeyIdentifier(keyIdentifier(publicKey)),
        authorityKeyIdentifier(issuer.keyId),
      ],
    },
    {
      keyType: asymmetricKeyType === 'rsa' ? 'rsa' : 'ec',
      sign: async (bytes) => sign('sha256', bytes, signer),
    },
  );
  return { certificate, privateKey };
}
