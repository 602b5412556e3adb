// With which code kumactl ends, so that scripts can tell what happened.

/** Exit codes of all commands. */
export const exitCodes = {
  done: 0,
  /** Refused by the control plane, unreachable, or a bug. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A roll-out was not over in time. */
  timeout: 3,
  /** A proxy refuses its configuration. */
  refused: 4,
  /** `diff`: something would change. */
  wouldChange: 5,
} as const;

/** Thrown to end a command that has done its work with another code than 0. The message goes to standard error. */
export class CommandEnd extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}
