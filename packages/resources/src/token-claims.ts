// What tokens say and which secrets they stand on (reference s5). Pure, so that the control plane and an offline kumactl issue the same.

/** Kinds of tokens. Each kind has signing keys of its own, so that one can never stand in for another. */
export type TokenKind = 'dataplane' | 'zone' | 'user';

/** When and as what a token is issued. */
export interface TokenIssue {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly validForSeconds: number;
  /** Unique id (`jti`), a UUID: what a revocation list names. */
  readonly id: string;
}

/** Claims every token has; times in seconds since 1970. */
export interface RegisteredClaims {
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
}

/** What a data plane token may be bound to; what is left out is not bound. */
export interface DataplaneTokenSubject {
  readonly mesh: string;
  readonly name?: string | undefined;
  readonly tags?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly type?: string | undefined;
  readonly workload?: string | undefined;
}

// A verifier whose clock is a little behind must accept a token that was made just now.
const clockSkewSeconds = 5;

function registeredClaims(issue: TokenIssue): RegisteredClaims {
  const now = Math.floor(issue.now / 1000);
  const notBefore = now - clockSkewSeconds;
  return { exp: now + issue.validForSeconds, nbf: notBefore, iat: notBefore, jti: issue.id };
}

/** Claims of a data plane token. */
export function dataplaneTokenClaims(subject: DataplaneTokenSubject, issue: TokenIssue) {
  return {
    Name: subject.name ?? '',
    Mesh: subject.mesh,
    Tags: subject.tags ?? {},
    Type: subject.type ?? '',
    Workload: subject.workload ?? '',
    ...registeredClaims(issue),
  };
}

/** Claims of a zone token. */
export function zoneTokenClaims(
  subject: { readonly zone: string; readonly scope: readonly string[] },
  issue: TokenIssue,
) {
  return { Zone: subject.zone, Scope: subject.scope, ...registeredClaims(issue) };
}

/** Claims of a user token. */
export function userTokenClaims(
  subject: { readonly name: string; readonly groups: readonly string[] },
  issue: TokenIssue,
) {
  return { Name: subject.name, Groups: subject.groups, ...registeredClaims(issue) };
}

/** Where the secrets of a token kind are kept: Secrets of the mesh for data plane tokens, GlobalSecrets for the others. */
export interface TokenSecrets {
  readonly type: 'Secret' | 'GlobalSecret';
  readonly mesh: string;
  /** A signing key is named by this and its serial number, which is the token's `kid`. */
  readonly signingKeyPrefix: string;
  /** Comma-separated ids of revoked tokens. */
  readonly revocations: string;
}

/** Names the secrets behind tokens of a kind; `mesh` counts for data plane tokens only. */
export function tokenSecrets(kind: TokenKind, mesh: string): TokenSecrets {
  if (kind === 'dataplane') {
    const prefix = `dataplane-token-signing-key-${mesh}-`;
    return { type: 'Secret', mesh, signingKeyPrefix: prefix, revocations: `dataplane-token-revocations-${mesh}` };
  }
  return {
    type: 'GlobalSecret',
    mesh: '',
    signingKeyPrefix: `${kind}-token-signing-key-`,
    revocations: `${kind}-token-revocations`,
  };
}
