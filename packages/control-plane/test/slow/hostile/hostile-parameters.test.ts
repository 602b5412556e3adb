// Every route with hostile texts where names, pages and documents belong: a named status, no bug, nothing stored, nothing that a browser runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiFixture, Asked } from '../../api/api-fixture.ts';
import { dataplaneDocument, openDefault, timeoutDocument } from '../../api/documents.ts';
import { filled, parametersOf, routesOf } from './every-route.ts';

const names = [
  `'";--`,
  "1' or '1'='1",
  '"; drop table resources; --',
  '$(id)',
  '{{.}}',
  '*',
  '../../etc/passwd',
  '..',
  '.',
  'a/b',
  'a\\b',
  'a\0b',
  'a\r\nset-cookie: x',
  '<script>alert(1)</script>',
  '💩',
  'ａ',
  'A',
  '\u202egnp',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'x'.repeat(254),
  'x'.repeat(2_000),
].map(encodeURIComponent);
const brokenNames = ['%', '%zz', '%ff', '%ed%a0%80', '%c0%ae%c0%ae', '%2e%2e', '%252e%252e', '%00'];
const texts = [
  '-1',
  '0',
  '1e9',
  '1001',
  '9007199254740993',
  '1e400',
  'NaN',
  'Infinity',
  '0x10',
  '1;2',
  '',
  '__proto__',
  `'";--`,
  'a\0b',
  '(((((a+)+)+)+)+)$',
  'x'.repeat(4_000),
].map(encodeURIComponent);
/** What lists, searches and dry runs take, wherever they are asked for. */
const usualQueries = [
  'size',
  'offset',
  'name',
  'filter[labels.a]',
  'filter[__proto__]',
  'filter[labels.kuma.io/display-name]',
  'filter',
  'tag',
  'gateway',
  'status',
  'format',
  'include',
  'shadow',
  'dryRun',
  'sort',
  'wait',
];
const repeated = '['.repeat(20_000) + ']'.repeat(20_000);
const bodies: Readonly<Record<string, string>> = {
  nothing: '',
  'one byte': '{',
  'a number': '1',
  'no number': 'NaN',
  'a number out of range': '{"type":1e999}',
  'a number of 10,000 digits': `{"spec":${'9'.repeat(10_000)}}`,
  'half a character': '{"type":"\\ud800","name":"\\udfff"}',
  'keys twice': '{"type":"Mesh","type":"Mesh"}',
  'a key of the runtime': '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '20,000 levels': repeated,
  'a wrong type everywhere': '{"type":[],"mesh":{},"name":7,"labels":[],"spec":"x","kri":{},"creationTime":0}',
  'null everywhere': '{"type":null,"mesh":null,"name":null,"labels":null,"spec":null,"networking":null}',
  'a NUL': '{"type":"Mesh","name":"a\\u0000b"}',
  'no JSON': '\'";--',
};

const named = new Set([200, 201, 204, 307, 400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 501, 503]);

function assertNamed(fixture: ApiFixture, what: string, answer: Asked): void {
  assert.ok(named.has(answer.status), `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.doesNotMatch(answer.text, /\.ts:\d|node:internal|sqlite|SELECT /, what);
  assert.equal(answer.headers['set-cookie'], undefined, what);
  if (answer.text !== '') assert.equal(answer.headers['x-content-type-options'], 'nosniff', what);
  assert.deepEqual(fixture.bugs, [], what);
}

async function openFilled(): Promise<ApiFixture> {
  const fixture = await openDefault();
  await fixture.ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument());
  await fixture.ask('PUT', '/meshes/default/dataplanes/a', dataplaneDocument('a'));
  return fixture;
}

test('names of every kind, in every path', async () => {
  const fixture = await openFilled();
  const before = fixture.store.revision();
  let asked = 0;
  for (const route of routesOf(fixture)) {
    const parameters = parametersOf(route);
    if (parameters.length === 0) continue;
    for (const name of [...names, ...brokenNames]) {
      const fillings = [
        { mesh: 'default', '': name },
        ...(parameters.includes('mesh') ? [{ mesh: name, '': 'a' }] : []),
      ];
      for (const filling of fillings) {
        const path = filled(route, filling);
        const hasBody = route.method === 'PUT' || route.method === 'POST';
        const answer = await fixture.ask(route.method, path, hasBody ? { type: 'x', name: 'x' } : undefined);
        assertNamed(fixture, `${route.method} ${path}`, answer);
        asked += 1;
      }
    }
  }
  console.log(`${asked} paths with hostile names`);
  assert.ok(asked > 5_000, `${asked}`);
  assert.equal(fixture.store.revision(), before, 'nothing was stored or deleted');
});

test('pages, filters and searches of every kind, on every route that is read', async () => {
  const fixture = await openFilled();
  let asked = 0;
  for (const route of routesOf(fixture)) {
    if (route.method !== 'GET') continue;
    const queries = new Set([...(route.query ?? []).map(({ name }) => name), ...usualQueries]);
    for (const text of texts) {
      for (const query of [...queries].map((name) => `${encodeURIComponent(name)}=${text}`)) {
        // One after the other would be 60,000 requests: half of them say nothing that the others do not.
        if ((asked++ + text.length) % 3 !== 0) continue;
        const path = `${filled(route)}?${query}`;
        assertNamed(fixture, `GET ${path}`, await fixture.ask('GET', path));
      }
    }
    const many = Array.from({ length: 500 }, (_, index) => `size=${index}&filter[labels.x${index}]=1`).join('&');
    assertNamed(
      fixture,
      `GET ${route.path} with 1,000 parameters`,
      await fixture.ask('GET', `${filled(route)}?${many}`),
    );
  }
  console.log(`${Math.floor(asked / 3)} hostile queries`);
});

test('bodies of every kind, on every route that takes one, change nothing', async () => {
  const fixture = await openFilled();
  const before = fixture.store.revision();
  let asked = 0;
  for (const route of routesOf(fixture)) {
    if (route.method !== 'PUT' && route.method !== 'POST') continue;
    for (const [what, body] of Object.entries(bodies)) {
      for (const type of ['application/json', 'application/yaml', 'text/plain', 'application/json; charset=\0']) {
        const answer = await fixture.ask(route.method, filled(route), body, { 'content-type': type });
        assertNamed(fixture, `${route.method} ${route.path}: ${what} as ${type}`, answer);
        assert.ok(answer.status >= 400, `${route.method} ${route.path}: ${what} as ${type}: ${answer.status}`);
        asked += 1;
      }
    }
  }
  console.log(`${asked} hostile bodies`);
  assert.equal(fixture.store.revision(), before);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('what the control plane decides is decided by it, whatever a document of any type says', async () => {
  const fixture = await openFilled();
  const forged = {
    creationTime: '1999-01-01T00:00:00Z',
    modificationTime: '1999-01-01T00:00:00Z',
    kri: 'kri_m___other_',
    version: 99,
    revision: 99,
    status: { conditions: [{ type: 'Accepted', status: 'True' }] },
  };
  let written = 0;
  for (const document of [
    { type: 'Mesh', name: 'forged' },
    timeoutDocument('forged'),
    dataplaneDocument('forged'),
    { type: 'Secret', mesh: 'default', name: 'forged', data: 'eA==' },
    {
      type: 'MeshService',
      mesh: 'default',
      name: 'forged',
      spec: { selector: { dataplaneTags: {} }, ports: [{ port: 80 }] },
    },
  ]) {
    const type = fixture.types.byName(document.type);
    const path = `${type?.scope === 'Mesh' ? '/meshes/default' : ''}/${type?.path}/forged`;
    for (const [field, value] of Object.entries(forged)) {
      const answer = await fixture.ask('PUT', path, { ...document, [field]: value });
      assert.ok([200, 201, 400].includes(answer.status), `${path} ${field}: ${answer.text}`);
      const stored = (await fixture.ask('GET', path)).body;
      if (answer.status === 400) continue;
      written += 1;
      assert.notDeepEqual(stored[field], value, `${path} ${field}`);
    }
    for (const [label, value] of [
      ['kuma.io/origin', 'global'],
      ['kuma.io/zone', 'elsewhere'],
      ['kuma.io/mesh', 'other'],
      ['kuma.io/policy-role', 'producer'],
      ['kuma.io/policy-role', 'consumer'],
      ['kuma.io/policy-role', 'workload-owner'],
    ] as const) {
      if (label === 'kuma.io/policy-role' && type?.policy === undefined) continue;
      if (label !== 'kuma.io/policy-role' && type?.providedByZone !== true) continue;
      const answer = await fixture.ask('PUT', path, { ...document, labels: { [label]: value } });
      assert.equal(answer.status, 400, `${path} ${label}: ${answer.text}`);
      assert.ok(answer.text.includes(label), answer.text);
    }
  }
  assert.ok(written > 0);
});
