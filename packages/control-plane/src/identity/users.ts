// Who users are: the well-known ones, and how a request's credentials become one.
import type { Tokens, User } from './access.ts';
import { refuse } from './tokens/token-signature.ts';

/** Group of everybody who showed a valid credential. */
export const authenticatedGroup = 'mesh-system:authenticated';

/** Group of everybody else. */
export const unauthenticatedGroup = 'mesh-system:unauthenticated';

/** Group of administrators. */
export const adminGroup = 'mesh-system:admin';

/** Who calls without credentials. */
export const anonymousUser: User = { name: 'mesh-system:anonymous', groups: [unauthenticatedGroup] };

/** The administrator: callers from the machine itself, and holders of the bootstrap token. */
export const adminUser: User = { name: 'mesh-system:admin', groups: [adminGroup, authenticatedGroup] };

/** What the API server knows of a connection and its request. */
export interface ConnectionFacts {
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** The `host` header. */
  readonly host: string | undefined;
  /** Headers that a proxy or a browser adds; any of them means that the caller is not (only) a process of this machine. */
  readonly forwardedFor: string | undefined;
  readonly forwarded: string | undefined;
  readonly origin: string | undefined;
}

/**
 * Whether a caller is a process of this machine: a connection from loopback to loopback, asked for under a loopback name, through no proxy and by
 * no foreign web page. The host is checked because a page of another site can have its name resolve to 127.0.0.1 (DNS rebinding).
 */
export function isLocalAdmin(facts: ConnectionFacts): boolean {
  if (!isLoopback(facts.remoteAddress) || !isLoopback(facts.localAddress)) return false;
  if (facts.forwardedFor !== undefined || facts.forwarded !== undefined) return false;
  if (facts.host === undefined || !isLoopbackHost(facts.host)) return false;
  return facts.origin === undefined || isLoopbackOrigin(facts.origin);
}

/** Authenticates a request by its `authorization` header. Errors: `MeshError('unauthenticated')` for a token that does not hold. */
export async function authenticateUser(
  tokens: Pick<Tokens, 'verifyUser'>,
  authorization: string | undefined,
  localAdmin: boolean,
): Promise<User> {
  if (authorization === undefined) return localAdmin ? adminUser : anonymousUser;
  const bearer = /^bearer +(\S+)$/i.exec(authorization);
  if (bearer?.[1] === undefined) throw refuse('authorization header is not of the form "Bearer <token>"');
  return await tokens.verifyUser(bearer[1]);
}

function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return plain === '::1' || /^127(?:\.\d{1,3}){3}$/.test(plain);
}

function isLoopbackHost(host: string): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host.toLowerCase())?.[1];
  if (name === undefined) return false;
  return name === 'localhost' || isLoopback(name.startsWith('[') ? name.slice(1, -1) : name);
}

function isLoopbackOrigin(origin: string): boolean {
  const host = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
  return host !== undefined && isLoopbackHost(host);
}
