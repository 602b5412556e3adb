// The one error type. Thrown at the border and for bugs; never inside a derivation.

/** One thing wrong with an input: where (a path such as `spec.to[0].targetRef.kind`) and what was expected. */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

/** Codes of `MeshError`; all are explained on one page of the reference. */
export type MeshErrorCode =
  | 'invalid'
  | 'malformed'
  | 'not-found'
  | 'conflict'
  | 'precondition-failed'
  | 'unauthenticated'
  | 'forbidden'
  | 'too-large'
  | 'unsupported'
  | 'unavailable'
  | 'internal';

/** An error a user can act on. `message` is complete by itself; `violations` name each wrong field. */
export class MeshError extends Error {
  readonly code: MeshErrorCode;
  readonly violations: readonly Violation[];

  constructor(
    code: MeshErrorCode,
    message: string,
    options: { violations?: readonly Violation[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeshError';
    this.code = code;
    this.violations = options.violations ?? [];
  }
}
