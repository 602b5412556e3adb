// Policies are written by many; what one of them writes must not stop the control plane. Sizes are those of the largest request taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import fc from 'fast-check';
import { builtinPolicies, policyResourceTypes } from '../src/index.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

/** True when the document was taken or refused; anything else that is thrown is a bug. */
function isAnswered(type: string, spec: unknown): boolean {
  try {
    const draft = parseResource(types, { type, mesh: 'default', name: 'some', spec });
    types.byName(type)?.warn?.(draft.spec as never, draft);
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
  }
  return true;
}

test('whatever a policy says, it is taken or refused', () => {
  const word = fc.constantFrom(
    'targetRef',
    'to',
    'from',
    'rules',
    'default',
    'kind',
    'name',
    'tags',
    'matches',
    'http',
    'backends',
  );
  const leaf = fc.oneof(
    fc.constantFrom('Mesh', 'MeshService', 'Dataplane', '__proto__', '1s', ''),
    fc.integer(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(fc.property(fc.constantFrom(...builtinPolicies.map((policy) => policy.name)), value, isAnswered), {
    numRuns: 500,
  });
});

const long = 'a-'.repeat(200_000);

// Each text makes a careless expression try very many ways; the test ends in time only when none does.
test('long texts are answered as fast as short ones', () => {
  const to = (conf: unknown) => ({ to: [{ targetRef: { kind: 'MeshService', name: 'web' }, default: conf }] });
  const rule = (match: unknown, conf: unknown = {}) => ({
    to: [{ targetRef: { kind: 'MeshService', name: 'web' }, rules: [{ matches: [match], default: conf }] }],
  });
  const rewrite = { type: 'URLRewrite', urlRewrite: { hostname: long } };
  const specs: [string, unknown][] = [
    ['MeshTrafficPermission', { rules: [{ default: { allow: [{ sni: { type: 'Exact', value: long } }] } }] }],
    [
      'MeshTrafficPermission',
      { rules: [{ default: { allow: [{ spiffeID: { type: 'Exact', value: `spiffe://${long}` } }] } }] },
    ],
    ['MeshTimeout', to({ connectionTimeout: '1'.repeat(400_000) })],
    ['MeshCircuitBreaker', to({ outlierDetection: { healthyPanicThreshold: '1'.repeat(400_000), detectors: {} } })],
    ['MeshRetry', to({ http: { retryOn: [long] } })],
    ...['%PER_REQUEST_STATE(', '%REQ(a', '%%', '%REQ(a)%', '%COALESCE({'].flatMap((command): [string, unknown][] => {
      const value = command.repeat(40_000);
      const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value }] } }];
      const backends = [{ type: 'File', file: { path: '/l', format: { type: 'Plain', plain: value } } }];
      return [
        ['MeshHTTPRoute', rule({ path: { type: 'PathPrefix', value: '/' } }, { filters })],
        ['MeshAccessLog', to({ backends })],
      ];
    }),
    ['MeshHTTPRoute', rule({ headers: [{ name: long, value: '' }] })],
    ['MeshHTTPRoute', rule({ path: { type: 'PathPrefix', value: '/a'.repeat(200_000) } }, { filters: [rewrite] })],
    ['MeshTrace', { default: { backends: [{ type: 'Datadog', datadog: { url: `http://${long}:1/` } }] } }],
    ['MeshTrace', { default: { backends: [{ type: 'Zipkin', zipkin: { url: `http://${long}:1/ ` } }] } }],
    [
      'MeshPassthrough',
      {
        default: {
          appendMatch: [
            { type: 'Domain', value: long },
            { type: 'CIDR', value: `${long}/1` },
          ],
        },
      },
    ],
    [
      'MeshProxyPatch',
      { default: { appendModifications: [{ cluster: { operation: 'Add', value: '{'.repeat(400_000) } }] } },
    ],
    [
      'MeshMetric',
      { default: { sidecar: { profiles: { exclude: [{ type: 'Regex', match: '('.repeat(400_000) }] } } } },
    ],
  ];
  for (const [type, spec] of specs) assert.ok(isAnswered(type, spec));
});

test('many entries are answered', () => {
  const entries = Array.from({ length: 20_000 }, (_, index) => ({
    targetRef: { kind: 'MeshSubset', tags: { [`key-${index}`]: 'value' } },
    default: { action: 'Allow' },
  }));
  assert.ok(isAnswered('MeshTrafficPermission', { from: entries }));
  const queryParams = Array.from({ length: 5_000 }, (_, index) => ({ type: 'Exact', name: `q${index}`, value: '' }));
  const rules = [{ matches: [{ queryParams }], default: {} }];
  assert.ok(isAnswered('MeshHTTPRoute', { to: [{ targetRef: { kind: 'MeshService', name: 'web' }, rules }] }));
});
