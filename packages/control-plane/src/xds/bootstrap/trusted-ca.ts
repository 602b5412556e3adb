// Whether Envoy will be able to verify the control plane: checked here, where the answer can say what to do, not in Envoy's log.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { MeshError } from '@ursa/resources';

/** DNS names and addresses a certificate is valid for; PEM. */
export function namesInCertificate(pem: string): ReadonlySet<string> {
  const alternatives = new X509Certificate(pem).subjectAltName ?? '';
  const names = alternatives.split(', ').map((name) => /^(?:DNS|IP Address):(.*)$/.exec(name)?.[1]);
  return new Set(names.filter((name) => name !== undefined).map(canonicalName));
}

/** A host as certificates name it: brackets off, case folded, IPv6 in one form. */
export function canonicalName(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIP(bare) !== 6) return bare.toLowerCase();
  return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
}

/** Throws `MeshError('unsupported')` when the control plane's certificate is not valid for the host the proxy uses. */
export function checkHost(host: string, names: ReadonlySet<string>): void {
  if (names.has(canonicalName(host))) return;
  const known = [...names].sort().join(', ');
  throw new MeshError(
    'unsupported',
    `the control plane's certificate is not valid for "${host}", but for: ${known}. Connect with one of these (kuma-dp run --cp-address), ` +
      `or give the control plane a certificate with that name: kumactl generate tls-certificate --type=server --hostname=${host}, then ` +
      'KUMA_GENERAL_TLS_CERT_FILE and KUMA_GENERAL_TLS_KEY_FILE, and restart it',
  );
}

/**
 * What Envoy is to trust: the authority the proxy was given, else the control plane's own certificate. Throws `MeshError('unsupported')`
 * when that is no certificate of an authority.
 */
export function trustedCaOf(fromProxy: string, ofServer: string): string {
  const pem = fromProxy === '' ? ofServer : fromProxy;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new MeshError('unsupported', 'the CA certificate of the proxy (--ca-cert-file) is not a PEM certificate');
  }
  // A certificate that signed itself can be trusted as it is, also when it does not say that it is an authority.
  if (!certificate.ca && !certificate.checkIssued(certificate)) {
    throw new MeshError(
      'unsupported',
      'the certificate to verify the control plane with is not one of an authority (basic constraint CA is false). Start the proxy with ' +
        '--ca-cert-file (or KUMA_CONTROL_PLANE_CA_CERT_FILE) and the CA that signed the certificate of the control plane',
    );
  }
  return pem;
}
