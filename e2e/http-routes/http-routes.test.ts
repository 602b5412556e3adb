// MeshHTTPRoute by requests: what matches, what is changed on the way, where requests go, and which of several routes decides.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { ask, askUntil, type Question, tally } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const services = await Promise.all(['backend', 'backend-v2'].map((name) => openScriptedService(name)));
after(() => Promise.all([world.close(), ...services.map((service) => service.close())]));
const [backend, next] = services;
if (backend === undefined || next === undefined) throw new Error('no services');
const { controlPlane } = world;
const ports = {
  backend: (await world.start({ service: 'backend', servicePort: backend.port })).inboundPort,
  'backend-v2': (await world.start({ service: 'backend-v2', servicePort: next.port })).inboundPort,
};
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');

/** A MeshHTTPRoute for requests to the backend. */
const route = (name: string, rules: readonly object[], targetRef: object = { kind: 'Mesh' }) =>
  policy('MeshHTTPRoute', name, { targetRef, to: [{ targetRef: { kind: 'MeshService', name: 'backend' }, rules }] });
const path = (value: string, type = 'Exact') => ({ path: { type, value } });
/** A rule that is known by a header of the answer. */
const marked = (mark: string, match: object) => ({
  matches: [match],
  default: {
    filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-rule', value: mark }] } }],
  },
});
const ruleOf = async (at: string, question: Question = {}) =>
  (await ask(url + at, question)).headers['x-rule'] ?? 'none';
const nowhere = { kind: 'MeshService', name: 'nowhere', port: 80 };
const backendRef = (name: keyof typeof ports, weight = 1) => ({ kind: 'MeshService', name, port: ports[name], weight });

test('requests match by path, method, headers and query', async () => {
  const header = (type: string | undefined, value?: string) => ({
    ...path('/header', 'PathPrefix'),
    headers: [{ name: 'x-a', ...(type === undefined ? {} : { type }), ...(value === undefined ? {} : { value }) }],
  });
  const query = (type: string, value: string) => ({ ...path('/query'), queryParams: [{ type, name: 'q', value }] });
  await controlPlane.apply(
    route('matches', [
      marked('exact', path('/exact')),
      marked('prefix', path('/prefix', 'PathPrefix')),
      marked('longer', path('/prefix/longer', 'PathPrefix')),
      marked('regex', path('/regex/[0-9]+', 'RegularExpression')),
      marked('method', { ...path('/method'), method: 'DELETE' }),
      marked('header', header(undefined, 'one')),
      marked('header-regex', header('RegularExpression', 'tw.*')),
      marked('header-prefix', header('Prefix', 'thr')),
      marked('header-absent', { ...header('Absent'), ...path('/absent') }),
      marked('header-present', { ...header('Present'), ...path('/present') }),
      marked('query', query('Exact', '1')),
      marked('query-regex', query('RegularExpression', '[2-9]')),
    ]),
  );
  await askUntil('the route', `${url}/exact`, {}, ({ headers }) => headers['x-rule'] === 'exact');
  const withHeader = (value: string): Question => ({ headers: { 'x-a': value } });
  const cases: readonly [at: string, question: Question, rule: string][] = [
    ['/exact', {}, 'exact'],
    ['/exact/more', {}, 'none'],
    ['/prefix', {}, 'prefix'],
    ['/prefix/more', {}, 'prefix'],
    ['/prefixed', {}, 'none'],
    ['/prefix/longer/more', {}, 'longer'],
    ['/regex/12', {}, 'regex'],
    ['/regex/one', {}, 'none'],
    ['/method', { method: 'DELETE' }, 'method'],
    ['/method', {}, 'none'],
    ['/header', withHeader('one'), 'header'],
    ['/header', withHeader('two'), 'header-regex'],
    ['/header', withHeader('three'), 'header-prefix'],
    ['/header', withHeader('four'), 'none'],
    ['/absent', {}, 'header-absent'],
    ['/absent', withHeader('one'), 'none'],
    ['/present', withHeader('any'), 'header-present'],
    ['/present', {}, 'none'],
    ['/query?q=1', {}, 'query'],
    ['/query?q=2', {}, 'query-regex'],
    ['/query?q=x', {}, 'none'],
  ];
  for (const [at, question, rule] of cases)
    assert.equal(await ruleOf(at, question), rule, `${at} ${JSON.stringify(question)}`);
});

test('filters change headers, paths and hosts, redirect, and copy requests', async () => {
  const rule = (match: object, filters: readonly object[]) => ({ matches: [match], default: { filters } });
  const rewrite = (urlRewrite: object) => [{ type: 'URLRewrite', urlRewrite }];
  const redirect = (requestRedirect: object) => [{ type: 'RequestRedirect', requestRedirect }];
  const full = { type: 'ReplaceFullPath', replaceFullPath: '/new' };
  const prefix = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' };
  const modifier = {
    set: [{ name: 'x-set', value: 'new' }],
    add: [{ name: 'x-add', value: 'more' }],
    remove: ['x-remove'],
  };
  await controlPlane.apply(
    route('filters', [
      rule(path('/request-headers'), [{ type: 'RequestHeaderModifier', requestHeaderModifier: modifier }]),
      rule(path('/response-headers'), [
        {
          type: 'ResponseHeaderModifier',
          responseHeaderModifier: { add: [{ name: 'x-add', value: 'more' }], remove: ['x-service'] },
        },
      ]),
      rule(path('/host'), rewrite({ hostname: 'other.test' })),
      rule(path('/full', 'PathPrefix'), rewrite({ path: full })),
      rule(path('/prefix-of', 'PathPrefix'), rewrite({ path: prefix })),
      rule(
        path('/away'),
        redirect({ scheme: 'https', hostname: 'other.test', port: 8443, path: full, statusCode: 308 }),
      ),
      rule(path('/moved', 'PathPrefix'), redirect({ path: prefix })),
      rule(path('/copied'), [
        { type: 'RequestMirror', requestMirror: { percentage: 100, backendRef: backendRef('backend-v2') } },
      ]),
    ]),
  );
  await askUntil('the route', `${url}/host`, {}, ({ seen }) => seen?.headers.host === 'other.test');
  const given = { 'x-set': 'old', 'x-add': 'one', 'x-remove': 'this' };
  const { seen } = await ask(`${url}/request-headers`, { headers: given });
  const arrived = seen?.headers ?? {};
  assert.deepEqual([arrived['x-set'], arrived['x-add'], arrived['x-remove']], ['new', 'one, more', undefined]);
  const { headers } = await ask(`${url}/response-headers`);
  assert.deepEqual([headers['x-add'], headers['x-service']], ['more', undefined]);
  const urlSeen = async (at: string) => (await ask(url + at)).seen?.url;
  assert.deepEqual(await Promise.all(['/full/a?b=1', '/prefix-of', '/prefix-of/a?b=1'].map(urlSeen)), [
    '/new?b=1',
    '/new',
    '/new/a?b=1',
  ]);
  const away = await ask(`${url}/away`);
  assert.deepEqual([away.status, away.headers.location], [308, 'https://other.test:8443/new']);
  const moved = await ask(`${url}/moved/a`);
  assert.deepEqual([moved.status, moved.headers.location], [302, `${url}/new/a`]);
  // A rule of the other MeshHTTPRoute for the same service goes on to hold.
  assert.equal(await ruleOf('/exact'), 'exact');
  assert.equal((await ask(`${url}/copied`, { headers: { 'x-id': 'copied' } })).seen?.service, 'backend');
  await waitFor('the copy arrives', () => next.tries('copied') === 1);
  assert.equal(backend.tries('copied'), 1);
});

test('requests go to other services, in shares, and a backend that is not there is left out', async () => {
  const to = (at: string, backendRefs: readonly object[]) => ({ matches: [path(at)], default: { backendRefs } });
  await controlPlane.apply(
    route('backends', [
      to('/next', [backendRef('backend-v2')]),
      to('/shares', [backendRef('backend', 75), backendRef('backend-v2', 25)]),
      to('/partly', [backendRef('backend-v2'), nowhere]),
      to('/nowhere', [nowhere]),
    ]),
  );
  await askUntil('the route', `${url}/next`, {}, ({ seen }) => seen?.service === 'backend-v2');
  const sent = 400;
  const shares = await tally(sent, `${url}/shares`, {}, ({ seen }) => seen?.service ?? 'none');
  assert.equal((shares.backend ?? 0) + (shares['backend-v2'] ?? 0), sent);
  // Five standard deviations of 400 draws at 1 in 4 are 43.
  assert.ok(Math.abs((shares['backend-v2'] ?? 0) - sent / 4) < 43, JSON.stringify(shares));
  assert.deepEqual(await tally(20, `${url}/partly`, {}, ({ seen }) => seen?.service ?? 'none'), { 'backend-v2': 20 });
  // A rule that leads nowhere is none: what else matches decides, here the service itself.
  assert.equal((await ask(`${url}/nowhere`)).seen?.service, 'backend');
});

test('of two routes that match alike the one for fewer proxies decides', async () => {
  await controlPlane.apply(route('wide', [marked('wide', path('/both'))]));
  await askUntil('the route', `${url}/both`, {}, ({ headers }) => headers['x-rule'] === 'wide');
  const narrow = route('a-narrow', [marked('narrow', path('/both'))], { kind: 'Dataplane', labels: { app: 'client' } });
  await controlPlane.apply(narrow);
  await askUntil('the narrow route', `${url}/both`, {}, ({ headers }) => headers['x-rule'] === 'narrow');
  await controlPlane.delete(narrow);
  await askUntil('the wide route', `${url}/both`, {}, ({ headers }) => headers['x-rule'] === 'wide');
});
