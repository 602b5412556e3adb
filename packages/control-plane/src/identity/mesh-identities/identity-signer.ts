// Signs the certificates of MeshIdentities with their own authorities, each opened once.
import { MeshError } from '@ursa/resources';
import type { AuthorityPair } from '../authorities/authority.ts';
import type { OpenAuthority, SignedLeaf } from '../authorities/define-authority.ts';
import { openLocalAuthority } from '../authorities/local-authority.ts';
import type { WorkloadOrder } from '../authorities/open-authorities.ts';
import type { IdentityAuthorities } from './identity-authorities.ts';

/** A certificate of a MeshIdentity to be issued. */
export interface IdentityOrder extends WorkloadOrder {
  /** Name of the MeshIdentity. */
  readonly meshIdentity: string;
}

/** Signs orders. Errors: `MeshError` when the identity has no authority any more. */
export function identitySigner(
  authorities: IdentityAuthorities,
): (order: IdentityOrder, issuedAt: number) => Promise<SignedLeaf> {
  // Reading a key costs more than signing with it.
  const opened = new WeakMap<AuthorityPair, OpenAuthority>();
  return async ({ place, meshIdentity, names, usages, lifetime }, issuedAt) => {
    const state = authorities.get(place.mesh, meshIdentity)?.state;
    if (state === undefined || !('pair' in state))
      throw new MeshError('unavailable', `MeshIdentity ${meshIdentity} has no authority that the mesh trusts`);
    const authority = opened.get(state.pair) ?? openLocalAuthority(state.pair);
    opened.set(state.pair, authority);
    return await authority.issue({ names, usages, lifetime, issuedAt }, new AbortController().signal);
  };
}
