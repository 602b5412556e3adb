// An authority whose key the control plane has: it makes keys and signs certificates itself, in the thread pool.
import { issueLeaf } from '../certificates/certificate.ts';
import { generateKeys } from '../certificates/key-pair.ts';
import { type AuthorityPair, openIssuer } from './authority.ts';
import type { LeafRequest, OpenAuthority, PreparedAuthority, SignedLeaf } from './define-authority.ts';
import { anchorsOf, intermediatesOf } from './issued-certificate.ts';

// Proxies and the control plane do not agree on the time to the minute: a certificate must not come from a proxy's future.
const clockSkew = 5 * 60 * 1000;

/** What is known of an authority with such a pair. */
export function prepareLocalAuthority(pair: AuthorityPair): PreparedAuthority<AuthorityPair> {
  return { material: pair, issuer: pair.certificate, roots: anchorsOf(pair.certificate) };
}

/** Opens the pair. Errors: `MeshError('invalid')` when it cannot sign. */
export function openLocalAuthority(pair: AuthorityPair): OpenAuthority {
  const issuer = openIssuer(pair);
  const above = intermediatesOf(pair.certificate);
  return {
    async issue({ names, usages, lifetime, issuedAt }: LeafRequest): Promise<SignedLeaf> {
      const keys = await generateKeys({ kind: 'p256' });
      const validity = { notBefore: issuedAt - clockSkew, notAfter: issuedAt + lifetime };
      const certificate = await issueLeaf({ names, usages, publicKey: keys.publicKey, validity }, issuer);
      return { certificate: `${certificate}${above}`, privateKey: keys.privateKey, notAfter: validity.notAfter };
    },
  };
}
