// What explain says is what Envoy does: each verdict, and each choice of a route, is held against a real answer.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(permission('start', [['all', 'Allow']]));
const api = await world.start({ service: 'api' });
const canary = await world.start({ service: 'canary' });
const web = await world.start({ service: 'web', calls: ['api'] });
const batch = await world.start({ service: 'batch', calls: ['api'] });

interface Answer {
  readonly verdict: string;
  readonly summary: string;
  readonly backends: readonly { readonly name: string }[];
}

async function explain(from: string, request: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const query = new URLSearchParams({ from, to: 'api', ...request });
  const response = await fetch(`${controlPlane.apiUrl}/meshes/default/_explain?${query}`);
  assert.equal(response.status, 200);
  return (await response.json()) as Answer;
}

type Action = 'Allow' | 'Deny' | 'AllowWithShadowDeny';

/** A permission in the older form, of the whole mesh or of one service; clients are services, or all. */
function permission(
  name: string,
  entries: readonly (readonly [client: string, action: Action])[],
  of?: string,
): ResourceDocument {
  const from = entries.map(([client, action]) => ({
    targetRef: client === 'all' ? { kind: 'Mesh' } : { kind: 'MeshSubset', tags: { 'kuma.io/service': client } },
    default: { action },
  }));
  const targetRef = of === undefined ? { kind: 'Mesh' } : { kind: 'MeshSubset', tags: { 'kuma.io/service': of } };
  return { type: 'MeshTrafficPermission', mesh: 'default', name, spec: { targetRef, from } };
}

/** A permission in the newer form. */
function rules(name: string, rule: object): ResourceDocument {
  return { type: 'MeshTrafficPermission', mesh: 'default', name, spec: { rules: [{ default: rule }] } };
}

const anyone = [{ spiffeID: { type: 'Prefix', value: 'spiffe://default/' } }];
const onlyWeb = [{ spiffeID: { type: 'Exact', value: 'spiffe://default/web' } }];

/** Sets of policies, each from scratch; with the two clients, two cases each. */
const permissions: Readonly<Record<string, readonly ResourceDocument[]>> = {
  'nobody is named': [],
  'all are allowed': [permission('a', [['all', 'Allow']])],
  'all are denied': [permission('a', [['all', 'Deny']])],
  'one is allowed': [permission('a', [['web', 'Allow']])],
  'one is denied': [
    permission('a', [
      ['all', 'Allow'],
      ['web', 'Deny'],
    ]),
  ],
  'a denial is taken back in the same list': [
    permission('a', [
      ['web', 'Deny'],
      ['all', 'Allow'],
    ]),
  ],
  'shadow-denied': [permission('a', [['web', 'AllowWithShadowDeny']])],
  'a narrower policy denies': [permission('a', [['all', 'Allow']]), permission('b', [['web', 'Deny']], 'api')],
  'a narrower policy allows': [permission('a', [['all', 'Deny']]), permission('b', [['batch', 'Allow']], 'api')],
  'the first name wins': [permission('a', [['web', 'Allow']]), permission('b', [['web', 'Deny']])],
  'another service is opened': [permission('a', [['all', 'Allow']], 'canary')],
  'rules by a prefix': [rules('a', { allow: anyone })],
  'rules by a whole identity': [rules('a', { allow: onlyWeb })],
  'rules that deny': [rules('a', { allow: anyone, deny: onlyWeb })],
};

const verdicts: string[] = [];
let applied: readonly ResourceDocument[] = [permission('start', [['all', 'Allow']])];

/** Replaces what the last case applied. */
async function replace(documents: readonly ResourceDocument[]): Promise<void> {
  const names = new Set(documents.map(({ name }) => name));
  for (const document of documents) await controlPlane.apply(document);
  for (const document of applied) if (!names.has(document.name)) await controlPlane.delete(document);
  applied = documents;
}

for (const [name, documents] of Object.entries(permissions)) {
  test(`explain and Envoy agree about permissions: ${name}`, async () => {
    await replace(documents);
    for (const client of [web, batch]) {
      const { verdict, summary } = await explain(client.name);
      verdicts.push(verdict);
      await waitFor(
        `${client.name} is ${summary}`,
        async () => {
          const { status } = await fetch(client.urlOf('api'));
          const expected = verdict === 'allowed' ? 200 : 403;
          if (status !== expected) throw new Error(`it got ${status}`);
          return true;
        },
        { within: 10_000 },
      );
    }
  });
}

const rule = (match: object, service: string) => ({
  matches: [match],
  default: { backendRefs: [{ kind: 'MeshService', name: service }] },
});

const route = {
  type: 'MeshHTTPRoute',
  mesh: 'default',
  name: 'some-to-canary',
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'api' },
        rules: [
          rule({ path: { type: 'Exact', value: '/exact' } }, 'canary'),
          rule({ path: { type: 'PathPrefix', value: '/v2' } }, 'canary'),
          rule({ path: { type: 'RegularExpression', value: '/users/[0-9]+' } }, 'canary'),
          rule({ path: { type: 'PathPrefix', value: '/m' }, method: 'POST' }, 'canary'),
          rule({ path: { type: 'PathPrefix', value: '/h' }, headers: [{ name: 'x-canary', value: 'yes' }] }, 'canary'),
          rule(
            { path: { type: 'PathPrefix', value: '/q' }, queryParams: [{ type: 'Exact', name: 'a', value: '1' }] },
            'canary',
          ),
        ],
      },
    ],
  },
};

test('explain and Envoy choose the same route', async () => {
  await replace([permission('a', [['all', 'Allow']])]);
  const path = '/meshes/default/meshhttproutes/some-to-canary';
  const { status, text } = await controlPlane.request('PUT', path, route);
  assert.equal(status, 201, text);
  const requests = [
    '/',
    '/exact',
    '/exact/more',
    '/v2',
    '/v2/x',
    '/v22',
    '/users/12',
    '/users/x',
    '/users/12/x',
    '/m',
    '/h',
    '/q?a=1',
    '/q?a=2',
    '/q',
  ].map((path) => ({ path, method: 'GET', headers: {} as Record<string, string> }));
  requests.push({ path: '/m', method: 'POST', headers: {} });
  requests.push({ path: '/h', method: 'GET', headers: { 'x-canary': 'yes' } });
  requests.push({ path: '/h', method: 'GET', headers: { 'x-canary': 'no' } });
  const chosen: string[] = [];
  for (const { path, method, headers } of requests) {
    const [header] = Object.entries(headers).map(([name, value]) => ({ header: `${name}:${value}` }));
    const { backends } = await explain('web', { path, method, ...header });
    const expected = backends[0]?.name === 'canary' ? canary.name : api.name;
    chosen.push(expected);
    await waitFor(
      `${method} ${path} reaches ${expected}`,
      async () => {
        const response = await fetch(`${web.urlOf('api')}${path}`, { method, headers });
        const body = await response.text();
        if (body !== expected) throw new Error(`it reached ${body}`);
        return true;
      },
      { within: 10_000 },
    );
  }
  assert.equal(chosen.filter((name) => name === canary.name).length, 7);
});

test('both verdicts came up', () => {
  assert.equal(verdicts.length, 28);
  for (const verdict of ['allowed', 'denied'])
    assert.ok(verdicts.filter((each) => each === verdict).length >= 8, verdict);
});
