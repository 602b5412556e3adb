// Who is calling, and whether they may. Servers hand credentials in, get a user or a MeshError.
import type { TokenKind } from '@ursa/resources';

/** An authenticated caller of the REST API. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Claims of a verified data plane token (reference s5). */
export interface DataplaneTokenClaims {
  readonly Name?: string;
  readonly Mesh: string;
  readonly Tags?: Readonly<Record<string, readonly string[]>>;
  readonly Type?: string;
  readonly Workload?: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly exp: number;
  /** Serial number of the key that signed the token (from its header); set by `verifyDataplane`. */
  readonly kid?: string;
}

/** Claims of a verified zone token. */
export interface ZoneTokenClaims {
  readonly Zone: string;
  readonly Scope: readonly string[];
  readonly jti: string;
  readonly exp: number;
  /** As of a data plane token; set by `verifyZone`. */
  readonly kid?: string;
}

export interface IssueDataplaneToken {
  readonly mesh: string;
  readonly name?: string;
  readonly tags?: Readonly<Record<string, readonly string[]>>;
  readonly type?: string;
  readonly workload?: string;
  readonly validForSeconds: number;
}

/** Issues and verifies the three kinds of tokens from the signing keys in the store. Verification errors are `MeshError('unauthenticated', …)` that say what to do. */
export interface Tokens {
  /** Errors: `MeshError('invalid')` for a kind that is signed elsewhere only, with what to do instead. Issuing has the same error. */
  requireIssuer(kind: TokenKind): void;
  issueDataplane(request: IssueDataplaneToken): Promise<string>;
  issueZone(request: {
    readonly zone: string;
    readonly scope: readonly string[];
    readonly validForSeconds: number;
  }): Promise<string>;
  issueUser(request: {
    readonly name: string;
    readonly groups: readonly string[];
    readonly validForSeconds: number;
  }): Promise<string>;
  verifyDataplane(token: string, mesh: string): Promise<DataplaneTokenClaims>;
  verifyZone(token: string): Promise<ZoneTokenClaims>;
  verifyUser(token: string): Promise<User>;
  /**
   * Calls back once when a token that was valid no longer is (revoked, expired, its signing key removed), within a second of the event.
   * Streams close on it.
   */
  watch(
    kind: 'dataplane' | 'zone',
    claims: DataplaneTokenClaims | ZoneTokenClaims,
    onInvalid: (reason: string) => void,
  ): { stop(): void };
}
