// Where connections of kuma-dp to the application come from.

/** The address that a redirecting host lets pass to the application; undefined for the loopback, which is not redirected. */
export function sourceFor(address: string, redirected: boolean): string | undefined {
  if (address.startsWith('127.') || address === '::1' || process.platform !== 'linux') return undefined;
  // Linux gives every host all of 127.0.0.0/8; of IPv6 only ::1, unless the redirection has added its address.
  if (address.includes(':')) return redirected ? '::6' : undefined;
  return '127.0.0.6';
}
