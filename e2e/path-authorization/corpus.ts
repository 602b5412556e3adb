// Requests that try to reach what they may not: one path in many spellings, one header in many forms, as raw bytes. The application is taken to be
// the most lenient there is.

/** A request as it goes over the wire. */
export interface RawRequest {
  readonly target: string;
  /** Header lines without their ends. */
  readonly lines: readonly string[];
}

const ways = [
  ...['/../', '/./../', '//../', '/x/../../', '/../../', '/..//', '/.././', '/../../../../'],
  ...['/%2e%2e/', '/%2E%2E/', '/.%2e/', '/%2e./', '/..%2f', '/..%2F', '/%2e%2e%2f', '%2f../', '%2F..%2F', '/%2f../'],
  ...['/..\\', '\\..\\', '/..%5c', '%5c..%5c', '/..%5C', '/.\\./', '/%5c../'],
  ...['/..;/', '/..;a=b/', ';/../', ';a=b/../', '/;/../', '/.;/../', '/..%3b/', '%3b/../'],
  ...['/%252e%252e/', '/..%252f', '%252f..%252f', '/%25252e%25252e/', '/..%255c'],
  ...['/%c0%ae%c0%ae/', '/..%c0%af', '/%e0%80%ae%e0%80%ae/', '/..%c1%9c', '/%uff0e%uff0e/', '/..%u2215'],
  ...[
    '/..%00/',
    '%00/../',
    '/%00../',
    '/..\t/',
    '/.. /',
    '/..%20/',
    '/..%09/',
    '/..%0d%0a/',
    '/\xff/../',
    '/..\xaf',
    '/x\x80/../',
  ],
];

const spellings = [
  ...['/admin', '/admin/', '/admin/x', '//admin/x', '///admin/x', '/./admin/x', '/x/../admin/x', '/.//admin/x'],
  ...[
    '/%61dmin/x',
    '/%61%64%6d%69%6e/x',
    '/a%64min/x',
    '/%2561dmin/x',
    '/%u0061dmin/x',
    '/admin%2fx',
    '/admin%2Fx',
    '/%2fadmin/x',
  ],
  ...['/ADMIN/x', '/Admin/x', '/aDMIN/x', '/admin\\x', '\\admin\\x', '/\\admin/x', '/admin%5cx', '/%5cadmin/x'],
  ...[
    '/admin;/x',
    '/admin;a=b/x',
    '/;/admin/x',
    '/;a=b/admin/x',
    '/.;/admin/x',
    '/admin%3b/x',
    '/admin/x;',
    '/admin/;/x',
  ],
  ...[
    '/admin?',
    '/admin?a=/public/',
    '/admin#',
    '/admin#/public/',
    '/admin/x?/public/',
    '/admin%3f',
    '/admin%23',
    '/admin/.',
  ],
  ...[
    '/admin%00/x',
    '/admin%20/x',
    '/admin /x',
    '/admin\t/x',
    '/admin%0a/x',
    '/admin\xff/x',
    '/admin/..',
    '/admin/../admin/x',
  ],
  ...[
    'http://api/admin/x',
    'http://api//admin/x',
    'http://public/admin/x',
    'https://api/admin/x',
    'http:/admin/x',
    'api/admin/x',
    'admin/x',
  ],
  ...[
    '/x/./../admin/x',
    '/x/%2e/%2e%2e/admin/x',
    '/x//..//admin/x',
    '/internal',
    '/internal/',
    '/',
    '',
    '*',
    '/publicly/x',
    '/public',
  ],
];

const roles = [
  ...[
    'x_role: admin',
    'X_ROLE: admin',
    'x-role : admin',
    ' x-role: admin',

    'x-role: Admin',
    'x-role: ADMIN',
  ],
  ...[
    'x-role: user, admin',
    'x-role: admin, user',
    'x-role: admin;',
    'x-role: "admin"',
    'x-role: admin\x00',
    'x-role: \xadadmin',
    'x--role: admin',
  ],
].map((line) => [line]);

/** All of them, none of which may reach what is not public. */
export const hostileRequests: readonly RawRequest[] = [
  ...ways.map((way) => ({ target: `/public${way}admin/x`, lines: [] })),
  ...ways.map((way) => ({ target: `/public/a/b${way}../../admin/x`, lines: [] })),
  ...spellings.map((target) => ({ target, lines: [] })),
  ...[...roles, ['x-role: user', 'x_role: admin']].map((lines) => ({ target: '/admin/x', lines })),
  ...ways.map((way) => ({ target: `/public${way}internal/x`, lines: ['x-role: admin'] })),
];

/** A banned client that would rather be an administrator: several headers of one name, of which applications take the first, the last or all. */
export const doubledRoles: readonly (readonly string[])[] = [
  ['x-role: banned', 'x-role: admin'],
  ['x-role: admin', 'x-role: banned'],
  ['X-Role: admin', 'x-role: banned', 'x-role: admin'],
  ['x-role:', 'x-role: banned', 'x-role: admin'],
];

/** What has to be served, with the path that the application is to see. */
export const honestRequests: readonly (RawRequest & { readonly seen: string })[] = [
  { target: '/public/x', lines: [], seen: '/public/x' },
  { target: '/public/x?to=/admin/%2e%2e;', lines: [], seen: '/public/x?to=/admin/%2e%2e;' },
  { target: '/public/a/../b', lines: [], seen: '/public/b' },
  { target: '/public//a', lines: [], seen: '/public/a' },
  { target: '/public/file.name-1~2_3', lines: ['x-other: a, b', 'x-other: c'], seen: '/public/file.name-1~2_3' },
  { target: '/admin/x', lines: ['x-role: admin'], seen: '/admin/x' },
  { target: '/admin/x', lines: ['X-ROLE:   admin  '], seen: '/admin/x' },
  { target: '/admin/x', lines: ['x-role:\r\n admin'], seen: '/admin/x' },
];

/** The paths that some application may take a request's target for: escapes read once, twice or not at all, parameters left out, and so on. */
export function readingsOf(target: string): readonly string[] {
  const path = target.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/[?#].*$/s, '');
  const readings = new Set<string>();
  let decoded = path;
  for (let times = 0; times < 3; times += 1) {
    for (const text of [decoded, decoded.replaceAll(/;[^/]*/g, '')]) readings.add(resolve(text));
    decoded = decode(decoded);
  }
  return [...readings];
}

// The overlong forms of "." and "/" that old decoders take.
const overlong: Readonly<Record<string, string>> = { '%c0%ae': '.', '%e0%80%ae': '.', '%c0%af': '/', '%c1%9c': '\\' };

function decode(text: string): string {
  return text
    .replaceAll(/%c0%ae|%e0%80%ae|%c0%af|%c1%9c/gi, (form) => overlong[form.toLowerCase()] ?? form)
    .replaceAll(/%u([0-9a-f]{4})/gi, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)).normalize('NFKC'),
    )
    .replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function resolve(path: string): string {
  const steps: string[] = [];
  for (const step of path.replaceAll('\\', '/').toLowerCase().split('/')) {
    const plain = step.replaceAll(/[\0-\x20\x7f-\xff]/g, '');
    if (plain === '..') steps.pop();
    else if (plain !== '' && plain !== '.') steps.push(plain);
  }
  return `/${steps.join('/')}`;
}
