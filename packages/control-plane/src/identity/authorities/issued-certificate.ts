// Looks at a certificate that an authority elsewhere has made before a proxy gets it: one that no other proxy would take is refused here, with the reason.
import { X509Certificate } from 'node:crypto';
import { MeshError } from '@ursa/resources';
import { readPrivateKey } from '../certificates/key-pair.ts';
import type { LeafRequest, SignedLeaf } from './define-authority.ts';

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificates of a PEM text. Errors: `MeshError('invalid')` when one of them is none. */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  try {
    return (pem.match(pemCertificate) ?? []).map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new MeshError('invalid', 'expected certificates in PEM', { cause });
  }
}

/** The PEM text of some certificates, each once and in their order. */
export function joinCertificates(pems: readonly string[]): string {
  const blocks = pems.flatMap((pem) => pem.match(pemCertificate) ?? []);
  return [...new Set(blocks)].map((block) => `${block}\n`).join('');
}

/** Of an authority's certificate and those above it, what is to be trusted, PEM: the roots among them, or all where no root is. */
export function anchorsOf(chain: string): string {
  const certificates = parseCertificates(chain);
  const roots = certificates.filter(isRoot);
  return joinCertificates((roots.length > 0 ? roots : certificates).map((each) => each.toString()));
}

/** Of an authority's certificate and those above it, what has to be shown for a root to verify what it signs, PEM; '' for a root. */
export function intermediatesOf(chain: string): string {
  return joinCertificates(
    parseCertificates(chain)
      .filter((each) => !isRoot(each))
      .map((each) => each.toString()),
  );
}

/** True for a certificate that its own key has signed. */
export function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

/**
 * The certificate with what is between it and a root, and its key, as a proxy gets them. Errors: `MeshError('invalid')` when the key is not the certificate's, it has ended, or it
 * lacks a name that was asked for.
 */
export function signedLeaf(
  { names, issuedAt }: LeafRequest,
  { certificate, privateKey }: { readonly certificate: string; readonly privateKey: string },
): SignedLeaf {
  const [leaf] = parseCertificates(certificate);
  const key = readPrivateKey(privateKey);
  if (leaf === undefined || key === undefined || !leaf.checkPrivateKey(key)) {
    throw new MeshError('invalid', 'it gave no certificate with its key');
  }
  const given = new Set((leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^URI:/, '')));
  const missing = (names.uris ?? []).filter((uri) => !given.has(uri) && !given.has(JSON.stringify(`URI:${uri}`)));
  if (missing.length > 0) {
    throw new MeshError(
      'invalid',
      `its certificate lacks the names ${missing.join(', ')}: it must allow URIs that begin with spiffe:// and kuma://`,
    );
  }
  const notAfter = Date.parse(leaf.validTo);
  if (notAfter <= issuedAt) throw new MeshError('invalid', `its certificate has ended already, at ${leaf.validTo}`);
  const above = parseCertificates(certificate).filter((each, position) => position > 0 && !isRoot(each));
  const chain = [leaf, ...above].map((each) => each.toString());
  return { certificate: joinCertificates(chain), privateKey, notAfter };
}

/** Whether one of the roots has signed the certificate, or the last one of its chain. */
export function isVerifiedBy(chain: string, roots: string): boolean {
  const trusted = parseCertificates(roots);
  return parseCertificates(chain).some((certificate) =>
    trusted.some(
      (root) =>
        root.raw.equals(certificate.raw) || (certificate.checkIssued(root) && certificate.verify(root.publicKey)),
    ),
  );
}
