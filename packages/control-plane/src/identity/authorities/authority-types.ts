// The types of certificate authorities that a Mesh may name.

import { acmAuthority } from './acm/acm-authority.ts';
import { builtinAuthority } from './builtin-authority.ts';
import type { AnyCertificateAuthority } from './define-authority.ts';
import { providedAuthority } from './provided-authority.ts';
import { vaultAuthority } from './vault/vault-authority.ts';

/** By the `type` of a backend. */
export const certificateAuthorities: ReadonlyMap<string, AnyCertificateAuthority> = new Map(
  [builtinAuthority, providedAuthority, vaultAuthority, acmAuthority].map((authority) => [authority.type, authority]),
);
