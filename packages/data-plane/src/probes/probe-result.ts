// What a probe answers, in the peer's words.

/** Where a probe goes. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Address to connect from. */
  readonly localAddress: string | undefined;
  /** Milliseconds until the whole answer is there. */
  readonly timeout: number;
}

/** An answer: status, text, and why it is no good one. */
export interface ProbeResult {
  readonly status: number;
  readonly text: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
  readonly reason?: string;
}

/** The application is well. */
export const healthyResult: ProbeResult = { status: 200, text: 'HEALTHY' };

/** The application is not; `status` is its own where it gave one. */
export function unhealthyResult(reason: string, status = 503): ProbeResult {
  return { status, text: 'UNHEALTHY', reason };
}

/** It could not be asked. */
export function unknownResult(reason: string): ProbeResult {
  return { status: 503, text: 'UNKNOWN', reason };
}
