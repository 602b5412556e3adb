// Reads the claims of verified tokens into their types. A signature only says who wrote them, not that they have the right shape.
import type { DataplaneTokenClaims, ZoneTokenClaims } from '../access.ts';
import { refuse, type VerifiedToken } from './token-signature.ts';

/** Claims of a data plane token for `mesh`; a claim that is empty binds nothing and is left out. */
export function readDataplaneClaims({ kid, claims }: VerifiedToken, mesh: string): DataplaneTokenClaims {
  const tokenMesh = text(claims, 'Mesh');
  if (tokenMesh !== mesh) {
    throw refuse(`token is for mesh "${tokenMesh}", not for mesh "${mesh}"; generate a token for mesh "${mesh}"`);
  }
  const name = text(claims, 'Name');
  const type = text(claims, 'Type');
  const workload = text(claims, 'Workload');
  const tags = tagSets(claims);
  return {
    Mesh: tokenMesh,
    ...(name !== '' && { Name: name }),
    ...(type !== '' && { Type: type }),
    ...(workload !== '' && { Workload: workload }),
    ...(Object.keys(tags).length > 0 && { Tags: tags }),
    jti: claims.jti,
    exp: claims.exp,
    kid,
  };
}

/** Claims of a zone token. */
export function readZoneClaims({ kid, claims }: VerifiedToken): ZoneTokenClaims {
  return { Zone: text(claims, 'Zone'), Scope: texts(claims.Scope, 'Scope'), jti: claims.jti, exp: claims.exp, kid };
}

/** Claims of a user token. */
export function readUserClaims({ claims }: VerifiedToken): {
  readonly Name: string;
  readonly Groups: readonly string[];
} {
  // Signing keys may be shared between kinds of tokens: what a token is for must not hang on its key alone.
  if ('Mesh' in claims || 'Zone' in claims)
    throw refuse('token is one of a proxy, not of a user; generate a user token');
  const name = text(claims, 'Name');
  if (name === '') throw refuse('token names no user in its claim "Name"; generate a user token');
  return { Name: name, Groups: texts(claims.Groups, 'Groups') };
}

type Claims = VerifiedToken['claims'];

function text(claims: Claims, name: string): string {
  const value = claims[name] ?? '';
  if (typeof value !== 'string') throw wrongShape(name, 'a string');
  return value;
}

function texts(value: unknown, name: string): readonly string[] {
  const list = value ?? [];
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    throw wrongShape(name, 'a list of strings');
  return list;
}

function tagSets(claims: Claims): Readonly<Record<string, readonly string[]>> {
  const value = claims.Tags ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongShape('Tags', 'lists of values by tag');
  return Object.fromEntries(Object.entries(value).map(([tag, values]) => [tag, texts(values, `Tags["${tag}"]`)]));
}

function wrongShape(claim: string, expected: string) {
  return refuse(`token's claim ${claim} is not ${expected}; generate a new token`);
}
