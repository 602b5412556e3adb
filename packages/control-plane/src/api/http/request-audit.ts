// Ties a request to its line in the audit: an id that the caller gets too, where it came from, and how it ended.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { User } from '../../identity/access.ts';
import type { Audit } from '../../identity/audit/audit.ts';
import type { Route } from './route.ts';

/** A request that is being audited. */
export interface RequestAudit {
  /** Id of the request: the caller's own, if it is one, else a new one. */
  readonly id: string;
  /** Who it is, once that is known. */
  identify(user: User): void;
  /** `reason`: why it was refused. */
  end(status: number, reason: string | undefined): void;
}

/** Header by which a request is found in the audit; callers may bring one. */
export const requestIdHeader = 'x-request-id';

/** Begins to audit a request. */
export function beginAudit(
  audit: Pick<Audit, 'begin'>,
  route: Pick<Route, 'path'>,
  request: IncomingMessage,
): RequestAudit {
  const { headers, socket, method = '', url = '' } = request;
  const given = headers[requestIdHeader]?.toString() ?? '';
  const id = /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
  const [path = '', query = ''] = url.split('?', 2);
  let end = audit.begin(undefined);
  return {
    id,
    identify(user) {
      end = audit.begin(user);
    },
    end(status, reason) {
      end({
        id,
        method,
        path,
        source: socket.remoteAddress ?? '',
        forwardedFor: headers['x-forwarded-for']?.toString(),
        userAgent: headers['user-agent'],
        status,
        reason,
        isTrial: route.path.endsWith('/_diff') || new URLSearchParams(query).get('dryRun') === 'true',
      });
    },
  };
}
