// Signing and verifying of tokens, without a store: RS256 and nothing else, so that no header of a token can choose how it is checked.
import type { KeyObject } from 'node:crypto';
import { MeshError, parseJson } from '@ursa/resources';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';

// Longest token that is looked at, in bytes; a real one has less than 2 KiB.
const maxTokenLength = 16 * 1024;

/** A key that signs tokens, with its serial number. */
export interface TokenSigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** Claims of a token whose signature and times hold, and the serial number of the key that signed it. */
export interface VerifiedToken {
  readonly kid: string;
  readonly claims: Readonly<Record<string, unknown>> & { readonly jti: string; readonly exp: number };
}

/** Signs claims as a compact JWT. */
export function signToken(claims: object, key: TokenSigningKey): Promise<string> {
  return new SignJWT({ ...claims } as JWTPayload)
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
    .sign(key.privateKey);
}

/**
 * Verifies a compact JWT at `now` (milliseconds since 1970). `publicKey` gives the key of a serial number and throws when there is none; no
 * other header but `kid` and `alg` counts. Errors: `MeshError('unauthenticated')`.
 */
export async function verifyToken(
  token: string,
  publicKey: (kid: string) => KeyObject,
  now: number,
): Promise<VerifiedToken> {
  if (token.length > maxTokenLength) {
    throw refuse(`token has ${token.length} bytes, at most ${maxTokenLength} are accepted; send the token alone`);
  }
  refuseAmbiguousJson(token);
  let kid = '';
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        kid = typeof header.kid === 'string' ? header.kid : '';
        if (kid === '') throw refuse('token has no "kid" header that names its signing key; generate a new token');
        return publicKey(kid);
      },
      { algorithms: ['RS256'], requiredClaims: ['exp', 'jti'], currentDate: new Date(now) },
    );
    const { jti, exp } = payload;
    if (typeof jti !== 'string' || exp === undefined)
      throw refuse('token has no "jti" or "exp" claim; generate a new token');
    return { kid, claims: { ...payload, jti, exp } };
  } catch (error) {
    throw explain(error, kid);
  }
}

/** An error of authentication that tells the caller what to do. */
export function refuse(message: string): MeshError {
  return new MeshError('unauthenticated', message);
}

// Parsers differ in which of two equal keys counts, so a token with two of them could mean different things to different readers.
function refuseAmbiguousJson(token: string): void {
  const parts = token.split('.');
  if (parts.length !== 3)
    throw refuse('token is not a JWT (three parts separated by dots); generate one with `kumactl generate`');
  for (const [index, name] of ['header', 'claims'].entries()) {
    try {
      parseJson(Buffer.from(parts[index] ?? '', 'base64url').toString('utf8'), name);
    } catch (error) {
      // The lines below the first show the token's content.
      const [problem] = error instanceof MeshError ? error.message.split('\n') : [];
      if (problem === undefined) throw error;
      throw refuse(`token is not a well-formed JWT: ${problem}; generate a new token`);
    }
  }
}

function explain(error: unknown, kid: string): MeshError {
  if (error instanceof MeshError) return error;
  if (error instanceof errors.JWTExpired) {
    return refuse(`token has expired at ${formatSeconds(error.payload.exp)}; generate a new token`);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') {
      return refuse(
        `token is not valid before ${formatSeconds(error.payload.nbf)}; compare the clocks of the issuer and this control plane`,
      );
    }
    return refuse(`token's claim "${error.claim}" is missing or wrong; generate a new token`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refuse('token is not signed with RS256, the only accepted algorithm; generate a new token');
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refuse(
      `token's signature was not made by the signing key with KID ${kid} of this control plane; the token is for another mesh, control plane or purpose: generate a new one`,
    );
  }
  return refuse('token is not a well-formed JWT signed with RS256; generate a new token');
}

function formatSeconds(seconds: unknown): string {
  const date = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString();
}
