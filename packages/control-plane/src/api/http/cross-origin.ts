// Cross-origin requests: which web sites may use the API from a browser (`KUMA_API_SERVER_CORS_ALLOWED_DOMAINS`). None by default.

/** Answers to browsers, by the request's `origin` header. */
export interface CrossOrigin {
  /** Headers of an answer to this origin; none when the site is not allowed. */
  headers(origin: string | undefined): Readonly<Record<string, string>>;
  /** Headers of the answer to a preflight request; undefined when the site is not allowed. */
  preflight(origin: string | undefined): Readonly<Record<string, string>> | undefined;
}

/** Allows the named sites: `https://gui.example.com`, `gui.example.com` (any scheme and port), or `*`. */
export function createCrossOrigin(allowedDomains: readonly string[]): CrossOrigin {
  const allowed = new Set(allowedDomains.map((domain) => domain.toLowerCase()));
  const headers = (origin: string | undefined): Readonly<Record<string, string>> => {
    if (origin === undefined || !isAllowed(allowed, origin.toLowerCase())) return {};
    return {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'etag, kuma-revision, warning, age, retry-after',
      vary: 'Origin',
    };
  };
  return {
    headers,
    preflight(origin) {
      const common = headers(origin);
      if (Object.keys(common).length === 0) return undefined;
      return {
        ...common,
        'access-control-allow-methods': 'GET, PUT, POST, DELETE',
        'access-control-allow-headers': 'authorization, content-type, if-match, if-none-match',
        'access-control-max-age': '600',
      };
    },
  };
}

function isAllowed(allowed: ReadonlySet<string>, origin: string): boolean {
  if (allowed.size === 0) return false;
  if (allowed.has('*') || allowed.has(origin)) return true;
  return URL.canParse(origin) && allowed.has(new URL(origin).hostname);
}
