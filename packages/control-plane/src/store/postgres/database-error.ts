// What went wrong between this program and the database: which kind it is, and words a user can act on. Never holds a password.
import { MeshError } from '@ursa/resources';

/**
 * `gone`: no contact, or not a server that takes writes. `busy`: refused for now, nothing was written. `denied`: waiting does not help.
 * `schema`: tables are missing. `full`: no room. `other`: anything else the server says.
 */
export type FailureKind = 'gone' | 'busy' | 'denied' | 'schema' | 'full' | 'other';

/** An error of a query or a connection that took too long here; the server may or may not have worked on it. */
export function timeoutError(what: string, milliseconds: number): Error {
  return Object.assign(new Error(`${what}: no answer within ${milliseconds} ms`), { code: 'NO_ANSWER' });
}

const busyStates = new Set(['55P03', '57014', '40001', '40P01']);
const schemaStates = new Set(['42P01', '3F000', '42883', '42703']);
const deniedStates = new Set(['28000', '28P01', '3D000', '42501', '0A000']);
/** Read-only transaction; admin shutdown, crash, starting up, database dropped, idle session; too many connections. */
const goneStates = new Set(['25006', '57P01', '57P02', '57P03', '57P04', '57P05', '25P03', '53300']);

/** The kind of a failure. Whatever is no answer of the server means that contact is lost. */
export function failureKind(error: unknown): FailureKind {
  const code = codeOf(error);
  if (isTlsRefusal(error, code)) return 'denied';
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return 'gone';
  if (busyStates.has(code)) return 'busy';
  if (schemaStates.has(code)) return 'schema';
  if (deniedStates.has(code)) return 'denied';
  if (goneStates.has(code) || code.startsWith('08')) return 'gone';
  return code.startsWith('53') ? 'full' : 'other';
}

/** The failure as an error for users, with the server's own words and what to do. */
export function databaseError(action: string, error: unknown): MeshError {
  if (error instanceof MeshError) return error;
  return new MeshError('unavailable', `${action}: ${describeFailure(error)}`, { cause: error });
}

/** The failure in one sentence. */
export function describeFailure(error: unknown): string {
  const text = textOf(error);
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return `nothing listens there (${text}); check that PostgreSQL runs, and the host and port of KUMA_STORE_POSTGRES_*`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name of the host is not known (${text}); check KUMA_STORE_POSTGRES_HOST`;
    case '28P01':
    case '28000':
      return `the server refuses the user (${text}); check KUMA_STORE_POSTGRES_USER, _PASSWORD and the server's pg_hba.conf`;
    case '3D000':
      return `${text}; create it, or name another with KUMA_STORE_POSTGRES_DB_NAME`;
    case '42501':
      return `${text}; grant the user what the guide page on PostgreSQL lists`;
    case '25006':
      return 'the server is read-only: it is a standby, or was demoted; name the primary too in KUMA_STORE_POSTGRES_HOST';
    case '53100':
      return `the server's disk is full (${text}); free some space, writing goes on by itself then`;
    case '53300':
      return `the server has no connection left (${text}); raise its max_connections`;
    case '55P03':
    case '57014':
      return `another session holds the store for too long, so nothing was stored (${text})`;
    case '42P01':
    case '3F000':
      return `the tables of the store are not there (${text}); run "kuma-cp migrate up"`;
    default:
      return isTlsRefusal(error, codeOf(error)) ? `${text}; check KUMA_STORE_POSTGRES_TLS_*` : text;
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (error instanceof MeshError) return codeOf(error.cause);
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string') return code;
  // Several addresses of one name, each with its own failure: the last speaks for all.
  const all: unknown = Reflect.get(error, 'errors');
  return Array.isArray(all) ? codeOf(all.at(-1)) : undefined;
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function isTlsRefusal(error: unknown, code: string | undefined): boolean {
  if (code !== undefined && /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/.test(code))
    return true;
  return error instanceof Error && error.message.includes('does not support SSL');
}
