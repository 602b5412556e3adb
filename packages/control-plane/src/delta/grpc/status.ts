// How a gRPC call ends: the status codes we use, with the words that go into the trailers.

/** gRPC status codes by name (gRPC core, "Status codes and their use in gRPC"). */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A code of `grpcStatus`. */
export type GrpcStatusCode = (typeof grpcStatus)[keyof typeof grpcStatus];

/** How a call ended: the code and a sentence for the person who reads the client's log. */
export interface GrpcOutcome {
  readonly code: GrpcStatusCode;
  readonly message: string;
}

// Trailers are header lines: a message with line breaks or other bytes outside printable ASCII must be percent-encoded
// (gRPC over HTTP/2, "Status-Message"), and a megabyte of it would break the header limit of the client.
const longestMessage = 1024;

/** The trailers that carry an outcome. */
export function statusTrailers(outcome: GrpcOutcome): Record<string, string> {
  const trailers: Record<string, string> = { 'grpc-status': String(outcome.code) };
  if (outcome.message !== '') trailers['grpc-message'] = percentEncode(outcome.message.slice(0, longestMessage));
  return trailers;
}

function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
