// What RE2 takes and refuses. The reader agreed with Go's reader of the same syntax on 180,000 random expressions when it was written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { describeRegularExpressionError, findRegularExpressionError } from '../src/regular-expression.ts';

const accepted = [
  '',
  '/users/[0-9]+(?:/.*)?',
  '^(?i)abc$|^$',
  '(?P<year>\\d{4})-(?<month>\\d\\d)',
  '[]a]',
  '[^]a-z-]',
  '[[:alpha:]_\\d\\-\\x41]',
  '\\pL\\p{Greek}\\P{^Lu}\\p{Any}',
  'a{,2}{x',
  'x{1000}',
  '(a{10}){100}',
  '\\Q*(\\E+',
  '\\x{10FFFF}\\012\\.\\C\\z',
  'é+😀?',
];
const refused: readonly (readonly [expression: string, reason: string, text: string, position: number])[] = [
  ['/([a-z', 'missing ]', '[a-z', 3],
  ['(a|b', 'missing )', '(a|b', 1],
  ['a(b)c)d', 'unexpected )', ')d', 6],
  ['*a', 'missing argument to repetition operator', '*', 1],
  ['a|+', 'missing argument to repetition operator', '+', 3],
  ['a**', 'bad repetition operator', '*', 3],
  ['x{1001}', 'invalid repetition size', '{1001}', 2],
  ['x{3,2}', 'invalid repetition size', '{3,2}', 2],
  ['(a{100}){11}', 'invalid repetition size', '{11}', 9],
  ['a(?=b)', 'invalid perl operator (RE2 looks neither ahead nor behind)', '(?=', 2],
  ['(?<!b)', 'invalid perl operator (RE2 looks neither ahead nor behind)', '(?<!', 1],
  ['(a)\\1', 'invalid escape sequence', '\\1', 4],
  ['\\y', 'invalid escape sequence', '\\y', 1],
  ['\\x{110000}', 'invalid escape sequence', '\\x{110000}', 1],
  ['a\\', 'trailing \\ at end', '\\', 2],
  ['[z-a]', 'invalid character class range', 'z-a', 2],
  ['[a-\\d]', 'invalid character class range', 'a-\\d', 2],
  ['[[:nope:]]', 'invalid character class range', '[:nope:]', 2],
  ['\\p{Nope}', 'invalid character class range', '\\p{Nope}', 1],
  ['(?P<1>a)(?P<1>b)', 'duplicate name of a capture group', '(?P<1>', 9],
  ['(?P<a', 'invalid named capture group', '(?P<a', 1],
  ['('.repeat(1001), 'nests too deeply', '(', 1001],
];

test('what RE2 takes is accepted', () => {
  for (const expression of accepted) assert.equal(findRegularExpressionError(expression), undefined, expression);
});

test('what RE2 refuses is refused, with the part at fault and its place', () => {
  for (const [expression, reason, text, position] of refused) {
    assert.deepEqual(findRegularExpressionError(expression), { reason, text, position }, expression);
  }
});

test('an expression that would keep a backtracking engine busy for ever is read like any other', () => {
  assert.equal(findRegularExpressionError(`^(a+)+${'(a|aa)*'.repeat(500)}$`), undefined);
  assert.equal(findRegularExpressionError('[a'.repeat(4_000))?.reason, 'missing ]');
});

test('an expression that would cost every proxy much memory is refused', () => {
  for (const [expression, reason] of [
    ['a'.repeat(8_193), /longer than 8192/],
    ['a?'.repeat(500_000), /longer than 8192/],
    ['(?:\\pL\\pN){100}', /too large a program/],
    ['(.{100}){10}'.repeat(20), /too large a program/],
    [`(?:${'[a-z]'.repeat(100)}){1000}`, /too large a program/],
  ] as const) {
    assert.match(findRegularExpressionError(expression)?.reason ?? '', reason, expression.slice(0, 30));
  }
  for (const expression of [
    'a{1000}',
    '.{1000}',
    '[a-z0-9]{1,1000}',
    '\\pL{1,63}',
    `^(${'service-name|'.repeat(500)}x)$`,
  ]) {
    assert.equal(findRegularExpressionError(expression), undefined, expression.slice(0, 30));
  }
});

test('the error says what, which part, and where', () => {
  assert.equal(
    describeRegularExpressionError('/([a-z'),
    'is not a regular expression as Envoy reads it (RE2): missing ]: "[a-z" at character 3',
  );
});

const types = createResourceTypes(coreResourceTypes);
const fieldsOf = (document: unknown): readonly string[] => {
  try {
    parseResource(types, document);
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return (error.violations ?? []).map(({ field }) => field);
  }
};

test('older resources: every expression is checked at its field', () => {
  const every = [{ match: { 'kuma.io/service': '*' } }];
  const http = [
    {
      match: { path: { regex: '(' }, method: { regex: '[' }, headers: { 'x-a': { regex: '*' } } },
      modify: {
        path: { regex: { pattern: '+', substitution: 'a' } },
        host: { fromPath: { pattern: '\\1', substitution: 'a' } },
      },
      destination: { 'kuma.io/service': 'a' },
    },
  ];
  const conf = { http, destination: { 'kuma.io/service': 'a' } };
  assert.deepEqual(
    fieldsOf({ type: 'TrafficRoute', mesh: 'default', name: 'r', sources: every, destinations: every, conf }),
    [
      'match.method.regex',
      'match.path.regex',
      'match.headers[x-a].regex',
      'modify.path.regex.pattern',
      'modify.host.fromPath.pattern',
    ].map((part) => `conf.http[0].${part}`),
  );
  const matches = [
    {
      path: { match: 'REGEX', value: '(' },
      headers: [
        { match: 'EXACT', name: 'a', value: '(' },
        { match: 'REGEX', name: 'b', value: '(' },
      ],
      queryParameters: [{ match: 'REGEX', name: 'c', value: '(' }],
    },
  ];
  const backends = [{ destination: { 'kuma.io/service': 'a' } }];
  const route = { selectors: every, conf: { http: { rules: [{ matches, backends }] } } };
  assert.deepEqual(
    fieldsOf({ type: 'MeshGatewayRoute', mesh: 'default', name: 'r', ...route }),
    ['path', 'headers[1]', 'queryParameters[0]'].map((part) => `conf.http.rules[0].matches[0].${part}.value`),
  );
  const metrics = { backends: [{ name: 'm', type: 'prometheus', conf: { envoy: { filterRegex: '(' } } }] };
  assert.deepEqual(fieldsOf({ type: 'Mesh', name: 'm', metrics }), ['metrics.backends[0].conf.envoy.filterRegex']);
});
