// Every route x every kind of caller x both meshes: who is refused and who is not, for lists of the settings and for roles.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AccessVerb, accessVerbs, parseResource } from '@ursa/resources';
import { apiRoutes } from '../../src/api/api.ts';
import { systemClock } from '../../src/identity/clock.ts';
import { openJoinCodes } from '../../src/identity/joining/join-codes.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { appliedKey, documentOf, type MatrixRequest, requestsOf, storedName } from '../api/access-requests.ts';
import { aloneZone, openApiFixture } from '../api/api-fixture.ts';

const key = await generateSigningKey();
const meshes = ['default', 'other'];
const lists = [
  'adminResources',
  'generateDpToken',
  'generateUserToken',
  'generateZoneToken',
  'viewConfigDump',
  'viewStats',
  'viewClusters',
  'controlPlaneMetadata',
];

/** Who asks, and what was given to them. */
interface Caller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An API in which a resource of every type that can be written is stored in each mesh. */
async function openMatrix(context: TestContext, settings: Readonly<Record<string, unknown>>) {
  // Join codes need the fixture's store, and the fixture the codes.
  const inner = openApiFixture(settings);
  const { types, store, live, manager } = inner;
  const { tokens, access } = inner.options;
  const codes = openJoinCodes({ live, store, tokens, clock: systemClock, observe: () => undefined });
  const reachableAs = { authority: () => 'ab'.repeat(32), addresses: async () => ['https://192.0.2.1:5678'] };
  const revision = store.revision;
  const fixture = openApiFixture(settings, aloneZone, {
    ...{ types, live, manager, tokens, access, revision, joining: { codes, reachableAs } },
  });
  context.after(() => Promise.all([inner.app.close(), fixture.app.close()]));
  const { options } = fixture;
  const secret = (type: string, mesh: string, name: string) => ({ type, mesh, name, labels: {}, spec: { data: key } });
  const seeds = types.all
    .filter((type) => !type.readOnly)
    .flatMap((type) =>
      (type.scope === 'Mesh' ? meshes : ['']).map((mesh) => parseResource(types, documentOf(type, mesh, storedName))),
    );
  const keys = [
    secret('GlobalSecret', '', 'user-token-signing-key-1'),
    secret('GlobalSecret', '', 'zone-token-signing-key-1'),
  ];
  const owners = meshes.map((name) => ({ type: 'Mesh', mesh: '', name, labels: {}, spec: {} }));
  await store.write([...owners, ...seeds, ...keys].map((resource) => ({ kind: 'put', resource })));
  const requests = apiRoutes(options)
    .filter(({ path }) => !path.startsWith('/gui'))
    .flatMap((route) =>
      (route.path.includes('{mesh}') ? meshes : ['default']).flatMap((mesh) => requestsOf(route, types, mesh)),
    );
  assert.ok(requests.length > 400, `requests for every route, found ${requests.length}`);
  const caller = async (name: string): Promise<Caller> => {
    const token = await options.tokens.issueUser({ name, groups: [name], validForSeconds: 600 });
    return { name, headers: { authorization: `Bearer ${token}` } };
  };
  /** Names the requests that were answered otherwise than foretold. */
  const compare = async ({ name, headers }: Caller, isAllowed: (request: MatrixRequest) => boolean): Promise<void> => {
    const surprises: string[] = [];
    let refused = 0;
    for (const request of requests) {
      const { method, url, body } = request;
      const { status, text } = await fixture.ask(method, url, body, headers);
      if (status === 403) refused++;
      // The one request that writes: for the next caller all is as it was.
      if (url === '/_apply' && status === 200) await store.write([{ kind: 'delete', key: appliedKey }]);
      if ((status === 403) === isAllowed(request))
        surprises.push(`${name}: ${method} ${url}: ${status} ${text.slice(0, 300)}`);
      // A refusal must not be hidden behind another mistake of the request.
      if (!isAllowed(request) && status !== 403) surprises.push(`${name}: ${method} ${url} is answered ${status}`);
    }
    assert.deepEqual([...new Set(surprises)].slice(0, 10), [], `${refused} of ${requests.length} refused`);
    assert.deepEqual(fixture.bugs, []);
  };
  return { caller, compare, store };
}

const stranger: Caller = { name: 'stranger', headers: { 'x-forwarded-for': '192.0.2.1' } };

test('static access: each list allows what it names and nothing else', async (context) => {
  const settings = Object.fromEntries(
    lists.flatMap((list) => [
      [`access.static.${list}.users`, []],
      [`access.static.${list}.groups`, [list]],
    ]),
  );
  const { caller, compare } = await openMatrix(context, settings);
  for (const list of lists)
    await compare(await caller(list), ({ need }) => need.list === undefined || need.list === list);
  for (const nobody of [stranger, await caller('jane')]) await compare(nobody, ({ need }) => need.list === undefined);
});

test('static access with the defaults: administrators, the machine itself, and everybody else', async (context) => {
  const { caller, compare } = await openMatrix(context, {});
  const isOpen = ({ need: { list } }: MatrixRequest) =>
    list === undefined || list.startsWith('view') || list === 'controlPlaneMetadata';
  await compare(await caller('mesh-system:admin'), () => true);
  await compare({ name: 'localhost', headers: {} }, () => true);
  await compare(await caller('jane'), isOpen);
  await compare(stranger, isOpen);
});

test('roles: each verb, everywhere and in one mesh, allows what it names and nothing else', async (context) => {
  const { caller, compare, store } = await openMatrix(context, { 'access.type': 'rbac' });
  const role = (name: string, rule: object) =>
    [
      { type: 'AccessRole', mesh: '', name, labels: {}, spec: { rules: [rule] } },
      {
        type: 'AccessRoleBinding',
        mesh: '',
        name,
        labels: {},
        spec: { subjects: [{ type: 'Group', name }], roles: [name] },
      },
    ].map((resource) => ({ kind: 'put', resource }) as const);
  const inMesh = (verb: AccessVerb) => `${verb}-in-default`;
  await store.write([
    ...accessVerbs.flatMap((verb) => [
      ...role(verb, { access: [verb] }),
      ...role(inMesh(verb), { mesh: 'default', access: [verb] }),
    ]),
    ...role('everything', { access: [...accessVerbs] }),
  ]);
  // What the API itself says and logs is no matter of roles.
  const isOfRoles = ({ url }: MatrixRequest) => url !== '/config' && url !== '/_log';
  const byLists = ({ url }: MatrixRequest) => url === '/config';
  for (const verb of accessVerbs) {
    const has = ({ need }: MatrixRequest) => need.verbs.every((needed) => needed === verb);
    await compare(await caller(verb), (request) => (isOfRoles(request) ? has(request) : byLists(request)));
    await compare(await caller(inMesh(verb)), (request) =>
      isOfRoles(request)
        ? request.need.verbs.length === 0 || (has(request) && request.need.mesh === 'default')
        : byLists(request),
    );
  }
  await compare(await caller('everything'), (request) => isOfRoles(request) || byLists(request));
  for (const nobody of [stranger, await caller('jane')])
    await compare(nobody, (request) => (isOfRoles(request) ? request.need.verbs.length === 0 : byLists(request)));
});

test('roles: strangers with every verb still read no keys', async (context) => {
  const { compare, store } = await openMatrix(context, { 'access.type': 'rbac' });
  const spec = { subjects: [{ type: 'Group', name: 'mesh-system:unauthenticated' }], roles: ['all'] };
  await store.write([
    {
      kind: 'put',
      resource: {
        type: 'AccessRole',
        mesh: '',
        name: 'all',
        labels: {},
        spec: { rules: [{ access: [...accessVerbs] }] },
      },
    },
    { kind: 'put', resource: { type: 'AccessRoleBinding', mesh: '', name: 'all', labels: {}, spec } },
  ]);
  await compare(stranger, ({ need, url }) => need.keys === undefined && url !== '/_log');
});
