// Values from the edge of what a field takes, by the field's schema: what users mistype, what attackers try, and the bounds of every format.
import type { SchemaNode } from '../../../resources/src/schema/schema-node.ts';

const long = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

const numbers = [
  ...[0, -1, 1, 0.5, -0.5, 2, 99, 100, 100.5, 101, 599, 600, 65_535, 65_536, 1e6, 8_388_609, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 1e10, 2 ** 53 - 1, 2 ** 53, 1e21, 1e-9, 1e300, -(2 ** 31), -1e300],
];

const durations = [
  ...[
    '0s',
    '1ns',
    '999ns',
    '1us',
    '0.5ms',
    '1ms',
    '-1ms',
    '-1s',
    '1s',
    '1m',
    '24h',
    '876000h',
    '87600000h',
    '1000000h',
  ],
  ...['2562047h47m16.854775807s', '2540400h10m10s', '315576000000s', '315576000001s', '0.000000001s', '', '1', 'abc'],
];

const addresses = [
  ...['127.0.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1', '10.0.0.256', '010.0.0.1', '1.2.3', '10.0.0.1:80'],
  ...['::', '::1', '[::1]', '::ffff:1.2.3.4', 'FE80::1', 'fe80::1%eth0', '2001:db8::1', 'ff02::1', '1::2::3'],
  ...['0.0.0.0/0', '10.0.0.0/8', '10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/032', '::/0', '2001:db8::/129', '10.0.0.0/'],
  ...['localhost', 'a.example', 'A.Example.', 'a_b.example', '-a.example', 'xn--bcher-kva.example', 'bücher.example'],
  ...['*', '*.', '*.example', '*.*', '*a.example', 'a.*', '.', '..', '.example', 'a..b', 'a b', 'a.example:80'],
  ...[
    'unix:///tmp/a',
    'unix://',
    'unix:///',
    'unix:///tmp/a b',
    `unix:///${long('x', 120)}`,
    'http://a',
    'http://a:99999',
  ],
  ...['https://a/b?c', 'a:', ':1', 'a:0', 'a:65536', 'a:080', '[::1]:80', '[::1]', 'a.example:1:2'],
];

const texts = [
  ...['', ' ', 'a', 'A', '0', '-1', '1', '50', '99.999', '100.001', '4294967295', '4294967296', '1e3', 'true', 'null'],
  ...[
    'a\nb',
    'a\r\nb: c',
    '\n',
    'a\tb',
    'a\0b',
    '\0',
    '\u0001',
    '\u007f',
    'ü',
    '日本',
    '\u202e',
    '\ufeffa',
    '🎉',
    '\ud800',
  ],
  ...[
    '%',
    '%%',
    '%NOPE%',
    '%REQ(',
    '%REQ(a)%',
    '%START_TIME(%',
    '%KUMA_NOPE%',
    '%KUMA_MESH%',
    '$',
    '$' + '{a}',
    '{{',
    '{{ .A }}',
  ],
  ...[
    '/',
    '//',
    '/a',
    'a/',
    '/a/',
    '/a?b',
    '/a#b',
    '/%zz',
    '/../a',
    '/a b',
    '[',
    '(a',
    '(?=a)',
    '(?i)a',
    'a{1001}',
    '\\',
    '\\1',
    '.*',
    '^a$',
  ],
  ...['\\p{Foo}', '(a{1000}){1000}', '(a*)*', '(?P<a>b)', '[[:alpha:]]', '*', 'a*', '?', '+'],
  ...[
    ':path',
    ':authority',
    ':status',
    ':',
    'Host',
    'host',
    'Content-Length',
    'transfer-encoding',
    'connection',
    'x-a:',
    'x a',
    'x-envoy-a',
  ],
  ...[
    'a=b',
    'a=',
    '=',
    ',',
    'a,b',
    ';',
    '"',
    "'",
    '{',
    '{}',
    '[]',
    '<a>',
    '&',
    '|',
    '5xx',
    'connect-failure',
    '200',
    '99',
    '600',
    '1000',
  ],
  ...[
    'GET',
    'get',
    'G ET',
    '5',
    '500Mbps',
    '0bps',
    '1.5',
    '.5',
    '5.',
    'kuma.io/service',
    'kuma:',
    'inbound',
    'inbound:1',
    'default',
  ],
  ...[
    long('a', 63),
    long('a', 64),
    long('a.', 253),
    long('a', 254),
    long('a', 300),
    long('ab', 5000),
    long('/a', 20_000),
  ],
  ...[
    'spiffe://a/b',
    'spiffe://',
    'spiffe://A/b c',
    'spiffe://a',
    'not-an-id',
    '1.2.3.4.5',
    'TLS1_2',
    'http2',
    'HTTP',
    'grpc',
    'kafka',
  ],
];

const encoded = ['', 'YQ==', 'AA==', 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==', '!', 'Y'];
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** Stands for a certificate or a key that is one: whoever shows documents to Envoy puts it in. */
export const realPem = { certificate: '(a certificate)', key: '(a key)' } as const;

/** Keys for maps. */
export const hostileKeys: readonly string[] = [
  '',
  ' ',
  'A',
  'a\nb',
  'a\0b',
  '%',
  'ü',
  'kuma.io/service',
  ':path',
  long('k', 300),
  '*',
  '__a',
];

/** Values for a scalar of this schema. */
export function hostileScalars(schema: SchemaNode): readonly unknown[] {
  if (schema.enum !== undefined) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  switch (schema.type) {
    case 'boolean':
      return [true, false];
    case 'integer':
    case 'number': {
      const bounds = [schema.minimum, schema.maximum].flatMap((bound) =>
        bound === undefined ? [] : [bound - 1, bound, bound + 1],
      );
      return [...new Set([...numbers, ...bounds])];
    }
    case 'string':
      if (schema.format === 'byte') return encoded;
      if (schema.format === 'go-duration' || schema.format === 'proto-duration') return durations;
      return [...texts, ...addresses, pem];
    default:
      return [];
  }
}

/** A value that a scalar may well have: what new objects are filled with. */
export function plausibleScalar(schema: SchemaNode, field: string): unknown {
  if (schema.type === 'boolean') return true;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  switch (schema.type) {
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 0, Math.min(schema.maximum ?? 80, /port$/i.test(field) ? 8099 : 5));
    case 'string':
      if (/\.(inline|inlineString|pem\.value)$/.test(field))
        return /key[^.]*\.[^.]*$/i.test(field) ? realPem.key : realPem.certificate;
      if (schema.format === 'byte') return 'YQ==';
      if (schema.format === 'go-duration' || schema.format === 'proto-duration') return '10s';
      if (/address$/i.test(field)) return '127.0.0.1';
      if (/path$/i.test(field)) return '/a';
      return 'a';
    default:
      return {};
  }
}
