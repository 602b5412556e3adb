// The id of a token: what a log may say of it, and what a list of revocations names.

/** The claim `jti` of a token that this control plane has just signed. */
export function tokenIdOf(token: string): string {
  const [, claims = ''] = token.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { readonly jti: string }).jti;
}
