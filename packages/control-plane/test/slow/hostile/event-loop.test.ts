// How long one hostile input holds up everybody else. CPU time of the event loop's thread, not of the clock: the machine has other work too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { typeUrls } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';
import { DeltaDiscoveryRequestSchema } from '../../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import { parseBootstrapRequest } from '../../../src/xds/bootstrap/request.ts';
import { decodeIncremental } from '../../../src/xds/decode-request.ts';
import { parseProxyNode } from '../../../src/xds/proxy-node.ts';
import { parseOwnResource } from '../../../src/xds/registration.ts';
import { openDefault } from '../../api/documents.ts';

const mebibyte = 1024 * 1024;
/**
 * What no input may cost. 50 ms are the goal, on code that is compiled; this is the first run of each, on machines of any speed. It keeps out what
 * holds everybody up for seconds, as some of these inputs did.
 */
const mostMilliseconds = 1_000;

const full = (unit: string, bytes = mebibyte - 400): string => unit.repeat(Math.floor(bytes / unit.length));
const many = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));
const mesh = { kind: 'Mesh' };
const policy = (type: string, spec: unknown) => JSON.stringify({ type, mesh: 'default', name: 'a', spec });
const regex = (value: string) =>
  policy('MeshHTTPRoute', {
    targetRef: mesh,
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'x' },
        rules: [{ matches: [{ path: { type: 'RegularExpression', value } }], default: {} }],
      },
    ],
  });
const proxyPatch = (value: string) =>
  policy('MeshProxyPatch', { default: { appendModifications: [{ cluster: { operation: 'Add', value } }] } });

const documents: readonly (readonly [what: string, path: string, body: string])[] = [
  ['1 MiB of numbers', 'meshtimeouts', `[${full('1,')}1]`],
  ['1 MiB of empty objects', 'meshtimeouts', `[${full('{},')}1]`],
  ['1 MiB of empty texts', 'meshtimeouts', `[${full('"",')}1]`],
  ['1 MiB of escapes', 'meshtimeouts', `{"type":"${full('\\u0041')}"}`],
  ['1 MiB of keys', 'meshtimeouts', `{${many(75_000, (index) => `"k${index}":1`).join(',')}}`],
  [
    '1 MiB of unknown fields',
    'meshtimeouts',
    policy('MeshTimeout', Object.fromEntries(many(60_000, (index) => [`to${index}`, 1]))),
  ],
  ['1 MiB of blanks', 'meshtimeouts', `${full(' ')}1`],
  ['20,000 levels', 'meshtimeouts', '['.repeat(20_000)],
  [
    '10,000 targets',
    'meshtimeouts',
    policy('MeshTimeout', {
      to: many(9_000, (index) => ({
        targetRef: { kind: 'MeshService', name: `s${index}` },
        default: { idleTimeout: '1s' },
      })),
    }),
  ],
  [
    '10,000 rules of a permission',
    'meshtrafficpermissions',
    policy('MeshTrafficPermission', {
      rules: many(8_000, (index) => ({
        default: { allow: [{ spiffeID: { type: 'Exact', value: `spiffe://a/${index}` } }] },
      })),
    }),
  ],
  [
    '10,000 routes',
    'meshhttproutes',
    policy('MeshHTTPRoute', {
      to: [
        {
          targetRef: { kind: 'MeshService', name: 'x' },
          rules: many(8_000, (index) => ({
            matches: [{ path: { type: 'PathPrefix', value: `/${index}` } }],
            default: {},
          })),
        },
      ],
    }),
  ],
  [
    '10,000 wrong targets',
    'meshtimeouts',
    policy('MeshTimeout', { to: many(20_000, () => ({ targetRef: { kind: 'Nobody' }, x: 1 })) }),
  ],
  [
    '10,000 inbounds',
    'dataplanes',
    JSON.stringify({
      type: 'Dataplane',
      mesh: 'default',
      name: 'a',
      networking: {
        address: '10.0.0.1',
        inbound: many(8_000, (index) => ({ port: 1 + index, tags: { 'kuma.io/service': `s${index}` } })),
      },
    }),
  ],
  [
    '10,000 labels',
    'meshtimeouts',
    JSON.stringify({
      type: 'MeshTimeout',
      mesh: 'default',
      name: 'a',
      labels: Object.fromEntries(many(20_000, (index) => [`l${index}`, 'x'])),
      spec: { to: [] },
    }),
  ],
  ['a regular expression of 1 MiB', 'meshhttproutes', regex(full('a*', mebibyte - 1_000))],
  ['a regular expression of 1 MiB that is wrong', 'meshhttproutes', regex(full('(a', mebibyte - 1_000))],
  ['a regular expression of a huge program', 'meshhttproutes', regex('(a{30}b{30}){30}\\\\pL{1000}'.repeat(200))],
  ['a patch of 1 MiB of YAML', 'meshproxypatches', proxyPatch(full('- a\n', 700_000))],
  ['a patch of 1 MiB of YAML keys', 'meshproxypatches', proxyPatch(many(60_000, (index) => `k${index}: 1`).join('\n'))],
  ['a patch of 1 MiB of JSON', 'meshproxypatches', proxyPatch(`{"name":[${full('1,', 900_000)}1]}`)],
  [
    'a secret of 1 MiB',
    'secrets',
    JSON.stringify({ type: 'Secret', mesh: 'default', name: 'a', data: full('AAAA', mebibyte - 200) }),
  ],
];
const yamls: readonly (readonly [what: string, body: string])[] = [
  ['YAML of list items', full('- a\n', 255 * 1024)],
  ['YAML of keys', many(28_000, (index) => `k${index}: 1`).join('\n')],
  ['YAML of anchors', full('&a ', 255 * 1024)],
  ['YAML of tags', full('!!str ', 255 * 1024)],
  ['YAML of flow objects', `a: [${full('{},', 255 * 1024)}]`],
  ['YAML of quotes', `a: [${full("'',", 255 * 1024)}]`],
  ['YAML of questions', full('? a\n', 255 * 1024)],
  ['YAML of comments', full('#\n', 255 * 1024)],
  ['YAML of one long text', `a: ${full('x', 255 * 1024)}`],
  ['YAML of folded lines', `a: >\n${full('  x\n', 255 * 1024)}`],
  ['YAML of documents', full('--- a\n', 255 * 1024)],
  ['YAML of directives', full('%a\n', 255 * 1024)],
];

const struct = (count: number) => Object.fromEntries(many(count, (index) => [`k${index}`, 'x']));
const incremental = (metadata: object) =>
  toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      node: { id: 'default.web', metadata: metadata as never },
      typeUrl: typeUrls.cluster,
    }),
  );

test('no input holds up the event loop', async () => {
  const fixture = await openDefault();
  const figures: { readonly what: string; readonly milliseconds: number; readonly outcome: string | number }[] = [];
  const measure = async (what: string, run: () => Promise<string | number> | string | number): Promise<void> => {
    const before = process.threadCpuUsage();
    const outcome = await run();
    const { user, system } = process.threadCpuUsage(before);
    figures.push({ what, milliseconds: Math.round((user + system) / 100) / 10, outcome });
  };
  const refused = (run: () => unknown): string => {
    try {
      run();
      return 'taken';
    } catch (error) {
      assert.ok(error instanceof MeshError, String(error));
      return error.code;
    }
  };
  for (const [what, path, body] of documents) {
    await measure(what, async () => (await fixture.ask('PUT', `/meshes/default/${path}/a`, body)).status);
  }
  const yaml = { 'content-type': 'application/yaml' };
  for (const [what, body] of yamls) {
    await measure(what, async () => (await fixture.ask('PUT', '/meshes/default/meshtimeouts/a', body, yaml)).status);
    await measure(`a proxy's resource, ${what}`, () =>
      refused(() => parseOwnResource(fixture.types, body, { mesh: 'default', name: 'a', proxyType: 'dataplane' })),
    );
  }
  for (const [what, request] of [
    ['metadata of 100,000 fields', incremental(struct(100_000))],
    ['metadata of 4 MiB of texts', incremental({ a: 'x'.repeat(4_000_000) })],
    ['metadata of 100,000 numbers', incremental({ a: many(100_000, (index) => index) })],
    ['metadata of 100,000 features', incremental({ features: many(100_000, (index) => `f${index}`) })],
  ] as const) {
    assert.ok(request.length <= 4 * mebibyte, what);
    await measure(what, () =>
      refused(() => {
        const { node } = decodeIncremental(request);
        if (node !== undefined) parseProxyNode(node);
      }),
    );
  }
  const bootstrap = (fields: object) =>
    new TextEncoder().encode(JSON.stringify({ mesh: 'default', name: 'a', ...fields }));
  for (const [what, body] of [
    ['a bootstrap of 1 MiB of fields', bootstrap({ dynamicMetadata: struct(60_000) })],
    ['a bootstrap of 1 MiB of numbers', bootstrap({ features: many(150_000, () => 1) })],
    ['a bootstrap of a large configuration', bootstrap({ dataplaneConfig: struct(60_000) })],
  ] as const) {
    await measure(what, () => refused(() => parseBootstrapRequest(body)));
  }
  for (const { what, milliseconds, outcome } of figures.toSorted(
    (one, other) => other.milliseconds - one.milliseconds,
  )) {
    console.log(`${String(milliseconds).padStart(8)} ms  ${outcome}  ${what}`);
  }
  assert.deepEqual(fixture.bugs, []);
  assert.deepEqual(
    figures.filter(({ milliseconds }) => milliseconds > mostMilliseconds),
    [],
  );
});
