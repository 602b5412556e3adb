// Who calls: by token, by client certificate, or by calling from the machine itself.
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Tokens, User } from '../../identity/access.ts';
import { adminUser, anonymousUser, authenticateUser, isLocalAdmin } from '../../identity/users.ts';

/** How callers prove who they are (`KUMA_API_SERVER_AUTHN_*`). */
export interface CallerSettings {
  /** `tokens`: bearer tokens; `adminClientCerts`: any certificate of the client CAs is the administrator. */
  readonly type: string;
  readonly localhostIsAdmin: boolean;
}

/** Finds out who sent a request; a promise only where a token must be verified. Errors: `MeshError('unauthenticated')`. */
export type Authenticate = (request: IncomingMessage) => User | Promise<User>;

/** The authentication the settings ask for. */
export function createAuthentication(settings: CallerSettings, tokens: Pick<Tokens, 'verifyUser'>): Authenticate {
  return (request) => {
    const local = settings.localhostIsAdmin && isDirect(request);
    const authorization = request.headers.authorization;
    if (settings.type === 'adminClientCerts') {
      return local || (request.socket as Partial<TLSSocket>).authorized === true ? adminUser : anonymousUser;
    }
    // A token wins over the address, so that its holder sees what the token allows.
    return authorization === undefined && local ? adminUser : authenticateUser(tokens, authorization, local);
  };
}

/** Whether a process of this machine sent the request itself: through no proxy, and not a page of some web site through a browser. */
function isDirect(request: IncomingMessage): boolean {
  const { headers, socket } = request;
  if (headers['x-real-ip'] !== undefined || headers['sec-fetch-site'] === 'cross-site') return false;
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host)) return false;
  return isLocalAdmin({
    remoteAddress: socket.remoteAddress ?? '',
    localAddress: socket.localAddress ?? '127.0.0.1',
    host: headers.host,
    forwardedFor: headers['x-forwarded-for']?.toString(),
    forwarded: headers.forwarded,
    origin: headers.origin,
  });
}

/** Whether a page that the API itself served sent the request; a page of another port of this machine is another site. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
