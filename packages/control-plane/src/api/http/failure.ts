// How requests fail: every error becomes one `Failure`, and every failure one JSON body of the peer's form (reference s3, "Error").
import { MeshError, type Violation } from '@ursa/resources';
import { shownReason } from '../../store/shown-reason.ts';
import { formatJson } from './json-text.ts';

/** What is wrong with a request, ready to be answered. Thrown by handlers that must choose status or title themselves. */
export class Failure extends Error {
  readonly status: number;
  readonly title: string;
  readonly violations: readonly Violation[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    title: string,
    detail: string,
    options: { violations?: readonly Violation[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.status = status;
    this.title = title;
    this.violations = options.violations ?? [];
    this.headers = options.headers ?? {};
  }
}

/** 400 with the peer's title for requests that are wrong as a whole; `detail` gets the peer's prefix. */
export function badRequest(detail: string): Failure {
  return new Failure(400, 'Bad Request', `bad request: ${detail}`);
}

/** 404 of something that is not stored. */
export function notFound(title: string): Failure {
  return new Failure(404, title, 'Not found');
}

/**
 * The failure an error stands for. `title` says what was being tried and is used unless the error has a title of its own.
 * What is not a `MeshError` is a bug: answered 500 without its text, which may hold anything.
 */
export function toFailure(error: unknown, title = 'Internal Server Error'): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof MeshError)) return new Failure(500, title, 'Internal Server Error', { cause: error });
  switch (error.code) {
    case 'malformed':
      return new Failure(400, 'Bad Request', error.message);
    case 'invalid':
      if (error.violations.length === 0) return new Failure(400, 'Bad Request', error.message);
      return new Failure(400, title, 'Resource is not valid', { violations: error.violations });
    case 'not-found':
      return new Failure(404, title, 'Not found');
    case 'conflict':
      return new Failure(409, 'Conflict', error.message);
    case 'precondition-failed':
      return new Failure(412, title, error.message, { violations: error.violations });
    case 'unauthenticated':
      return new Failure(401, 'Could not authenticate', error.message, { headers: { 'www-authenticate': 'Bearer' } });
    case 'forbidden':
      return new Failure(403, 'Access Denied', error.message);
    case 'too-large':
      return new Failure(413, 'Request is too large', error.message);
    case 'unsupported':
      return new Failure(501, 'Not implemented', error.message);
    case 'unavailable':
      return new Failure(503, 'Service unavailable', shownReason(error.message), { headers: { 'retry-after': '1' } });
    case 'internal':
      return new Failure(500, title, 'Internal Server Error', { cause: error });
  }
}

/** Runs one step of a request; what it throws is answered under `title`. */
export function titled<Result>(title: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw toFailure(error, title);
  }
}

/** As `titled`, for a step that waits. */
export async function titledAsync<Result>(title: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw toFailure(error, title);
  }
}

/** The JSON body of a failure. `details` and `causes` repeat `detail` and `invalid_parameters` for older clients. */
export function formatFailure(failure: Failure): string {
  const { status, title, message, violations } = failure;
  const listed = violations.length > 0;
  return formatJson({
    type: '/std-errors',
    status,
    title,
    detail: message,
    ...(listed ? { invalid_parameters: violations.map(({ field, message: reason }) => ({ field, reason })) } : {}),
    details: message,
    ...(listed ? { causes: violations.map(({ field, message: reason }) => ({ field, message: reason })) } : {}),
  });
}
