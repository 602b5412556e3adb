// The authority behind each MeshIdentity of the bundled provider, derived from the resource and the secrets it stands on.
import { X509Certificate } from 'node:crypto';
import type { Collection, Derivation } from '@ursa/collections';
import {
  type IdentityContext,
  type MeshIdentitySpec,
  type MeshTrustSpec,
  parseDuration,
  type Resource,
  trustDomainOf,
} from '@ursa/resources';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { type AuthorityPair, validateAuthorityPair } from '../authorities/authority.ts';
import { isRoot, isVerifiedBy } from '../authorities/issued-certificate.ts';
import { secretData } from '../tokens/token-keys.ts';
import { describeIdentitySource, type IdentitySource, placeOf } from './identity-sources.ts';

/** The authority of a MeshIdentity, or why it has none. */
export interface IdentityAuthority {
  readonly trustDomain: string;
  /** Lifetime of the certificates it issues, in milliseconds. */
  readonly leafLifetime: number;
  readonly state: { readonly pair: AuthorityPair } | { readonly fault: string };
}

/** Authorities by mesh and name of the identity; undefined where there is nothing to issue with: no such identity, or an agent does it. */
export type IdentityAuthorities = Derivation<readonly [mesh: string, name: string], IdentityAuthority | undefined>;

/** Names of the Secrets that hold the CA that is made for a MeshIdentity. */
export function identityAuthoritySecrets(
  mesh: string,
  identity: string,
): { readonly certificate: string; readonly key: string } {
  return { certificate: `${mesh}.ca-identity-cert-${identity}`, key: `${mesh}.ca-identity-key-${identity}` };
}

/** True for an identity whose CA the control plane makes. */
export function makesAuthority({ spec }: Pick<Resource, 'spec'>): boolean {
  const { provider } = spec as MeshIdentitySpec;
  return provider?.type === 'Bundled' && provider.bundled?.autogenerate?.enabled === true;
}

const defaultLeafLifetime = 24 * 3600 * 1000;

/** What the trust domains of identities are made from besides. */
export type Place = Omit<IdentityContext, 'mesh'>;

/** Derives them. `contents` holds what `openIdentitySources` has read. */
export function deriveIdentityAuthorities(
  live: LiveResources,
  contents: Collection<string>,
  place: Place,
): IdentityAuthorities {
  const { graph } = live;
  const specOf = graph.derive('identity-spec', (mesh: string, name: string) => {
    return live.resources('MeshIdentity').get(keyInType({ mesh, name }))?.spec as MeshIdentitySpec | undefined;
  });
  const secret = (mesh: string, name: string): string | undefined => {
    const found = live.resources('Secret').get(keyInType({ mesh, name }));
    return found === undefined ? undefined : Buffer.from(secretData(found), 'base64').toString('utf8');
  };
  const load = (mesh: string, source: IdentitySource | undefined): string | undefined => {
    const outside = placeOf(source);
    if (outside !== undefined) return contents.get(outside);
    return source?.type === 'Secret' ? secret(mesh, source.secretRef?.name ?? '') : source?.insecureInline?.value;
  };
  // Apart from the rest, so that a pair keeps its identity (and its opened key) when another field of the resource changes.
  const pairOf = graph.derive('identity-authority-pair', (mesh: string, name: string): IdentityAuthority['state'] => {
    const bundled = specOf.get(mesh, name)?.provider?.bundled;
    if (bundled?.autogenerate?.enabled === true) {
      const names = identityAuthoritySecrets(mesh, name);
      return checkedPair(secret(mesh, names.certificate), secret(mesh, names.key), [
        { field: 'autogenerate', from: `the Secret "${names.certificate}" that the control plane makes` },
        { field: 'autogenerate', from: `the Secret "${names.key}" that the control plane makes` },
      ]);
    }
    const { certificate, privateKey } = bundled?.ca ?? {};
    return checkedPair(load(mesh, certificate), load(mesh, privateKey), [
      { field: 'ca.certificate', from: describeIdentitySource(certificate) },
      { field: 'ca.privateKey', from: describeIdentitySource(privateKey) },
    ]);
  });
  return graph.derive('identity-authority', (mesh: string, name: string): IdentityAuthority | undefined => {
    const spec = specOf.get(mesh, name);
    if (spec?.provider?.type !== 'Bundled') return undefined;
    const { certificateParameters, insecureAllowSelfSigned } = spec.provider.bundled ?? {};
    const leafLifetime = parseDuration(certificateParameters?.expiry ?? '') || defaultLeafLifetime;
    const domain = trustDomainOf(spec, { mesh, ...place });
    if ('problem' in domain) return { trustDomain: '', leafLifetime, state: { fault: domain.problem } };
    const state = pairOf.get(mesh, name);
    const selfSigned =
      'pair' in state && insecureAllowSelfSigned !== true && isRoot(new X509Certificate(state.pair.certificate));
    return {
      trustDomain: domain.trustDomain,
      leafLifetime,
      state: selfSigned
        ? {
            fault:
              'spec.provider.bundled.insecureAllowSelfSigned: the CA has signed its own certificate; set the field to true to use it all the same, or give a CA that another one has signed',
          }
        : state,
    };
  });
}

interface Where {
  readonly field: string;
  readonly from: string;
}

function checkedPair(
  certificate: string | undefined,
  privateKey: string | undefined,
  [whereCertificate, whereKey]: readonly [Where, Where],
): IdentityAuthority['state'] {
  const missing = ({ field, from }: Where) => ({
    fault: `spec.provider.bundled.${field}: ${from} does not exist or cannot be read`,
  });
  if (certificate === undefined) return missing(whereCertificate);
  if (privateKey === undefined) return missing(whereKey);
  const pair = { certificate, privateKey };
  const [violation] = validateAuthorityPair(pair);
  return violation === undefined
    ? { pair }
    : { fault: `spec.provider.bundled.${whereCertificate.field}: ${violation.message}` };
}

/** True when MeshTrusts of the mesh vouch for what the authority signs: nobody would believe its certificates before. */
export function isTrusted(
  live: LiveResources,
  mesh: string,
  { trustDomain }: IdentityAuthority,
  { certificate }: AuthorityPair,
): boolean {
  return live
    .list('MeshTrust', mesh)
    .map(({ spec }) => spec as MeshTrustSpec)
    .some((spec) => spec.trustDomain === trustDomain && vouches(spec, certificate));
}

/** True when a MeshTrust has the certificate of the authority, or a root above it: what is between them is shown by the workloads. */
export function vouches({ caBundles }: Pick<MeshTrustSpec, 'caBundles'>, certificate: string): boolean {
  const wanted = firstBlock(certificate);
  const texts = caBundles.map(({ pem }) => pem?.value ?? '');
  return (
    texts.some((text) => text.replaceAll(/\s/g, '').includes(wanted)) ||
    texts.some((text) => verifies(text, certificate))
  );
}

function verifies(roots: string, chain: string): boolean {
  try {
    return isVerifiedBy(chain, roots);
  } catch {
    // One that cannot be read vouches for nobody.
    return false;
  }
}

function firstBlock(pem: string): string {
  const [block = ''] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem) ?? [];
  return block.replaceAll(/\s/g, '');
}
