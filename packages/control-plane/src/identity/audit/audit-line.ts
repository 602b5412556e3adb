// One line of the audit: who, what, when, from where, with which result. Never what was written, nor what anybody said in a body. Pure.
import { redactText } from '@ursa/resources';
import type { User } from '../access.ts';
import type { AuditedAccess } from './audited-access.ts';

/** The request that an access was part of. */
export interface AuditedRequest {
  readonly id: string;
  readonly method: string;
  /** Without the query, in which somebody may have put anything. */
  readonly path: string;
  /** Address at the other end of the connection; '' where nobody is connected any more. */
  readonly source: string;
  readonly forwardedFor: string | undefined;
  readonly userAgent: string | undefined;
  /** Nobody, when the credentials did not hold. */
  readonly user: User | undefined;
  readonly status: number;
  /** Why it was refused; undefined when it was not. */
  readonly reason: string | undefined;
}

const longestText = 300;

/** The line of an access; of the request alone when nothing was asked, because nobody knew who it was. */
export function formatAuditLine(
  time: Date,
  instance: string,
  request: AuditedRequest,
  asked: AuditedAccess | undefined,
): string {
  const { user, status } = request;
  const isDenied = asked === undefined ? status === 401 || status === 403 : !asked.granted;
  const entry = {
    time: time.toISOString(),
    requestId: request.id,
    instance,
    user: user === undefined ? null : { name: shown(user.name), groups: user.groups.slice(0, 50).map(shown) },
    access: asked?.access,
    resource: asked === undefined ? undefined : resourceOf(asked),
    result: isDenied ? 'denied' : status < 400 ? 'done' : 'failed',
    status,
    // What else goes wrong may repeat what was in the body.
    reason: isDenied && request.reason !== undefined ? shown(request.reason) : undefined,
    request: {
      method: request.method,
      path: shown(request.path),
      source: request.source === '' ? undefined : request.source,
      forwardedFor: request.forwardedFor === undefined ? undefined : shown(request.forwardedFor),
      userAgent: request.userAgent === undefined ? undefined : shown(request.userAgent),
    },
  };
  return `${JSON.stringify(entry)}\n`;
}

function resourceOf({ type, mesh, name }: AuditedAccess): object {
  return {
    ...(type === '' ? {} : { type }),
    ...(mesh === '' ? {} : { mesh }),
    ...(name === '' ? {} : { name: shown(name) }),
  };
}

function shown(text: string): string {
  const redacted = redactText(text);
  return redacted.length > longestText ? `${redacted.slice(0, longestText)}…` : redacted;
}
