// Writes that make inbounds insist on mTLS: refused by what proxies have counted, however the write is made; all others pass unasked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readyIdentityStatus } from '@ursa/resources';
import { rememberQuiet } from '../../../src/api/strictness/quiet-inbounds.ts';
import { openStrictness } from '../../../src/api/strictness/strictness.ts';
import { noCalls } from '../../../src/instances/calls.ts';
import { connectedProxy } from '../../connected-proxy.ts';
import { type ApiFixture, aloneZone, openApiFixture } from '../api-fixture.ts';

const mesh = (mode?: string) => ({
  type: 'Mesh',
  name: 'default',
  ...(mode === undefined ? {} : { mtls: { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin', mode }] } }),
});
const tls = (mode: string) => ({
  type: 'MeshTLS',
  mesh: 'default',
  name: 'modes',
  spec: { targetRef: { kind: 'Mesh' }, rules: [{ default: { mode } }] },
});
const path = '/meshes/default/meshtlses/modes';

/** A mesh with two proxies, of which `web` has a plaintext client; `asked` are the proxies whose Envoys were asked. */
async function openStage(
  answer: (name: string) => Promise<string>,
  certificates: (key: string) => boolean = () => true,
  budget?: number,
) {
  const asked: string[] = [];
  const base = openApiFixture();
  const connected = new Map([
    ['default/api', connectedProxy('api')],
    ['default/web', connectedProxy('web')],
  ]);
  const { engine, whatIf, instances, manager, live, store } = { ...base.options, ...base };
  const modeTypes = new Set(['MeshTLS']);
  const strictness = openStrictness({
    engine: engine as never,
    whatIf,
    dataplanes: (mesh) => live.keys('Dataplane', mesh),
    proxies: { keys: () => [...connected.keys()], get: (key) => connected.get(key) },
    admin: {
      ask: async ({ name }) => {
        asked.push(name);
        return await answer(name);
      },
    },
    awaitsCertificate: (key) => !certificates(key),
    quietInbounds: rememberQuiet(60_000, () => 0),
    quietPeriod: 60_000,
    ...(budget === undefined ? {} : { budget }),
    hasIdentities: (mesh) => live.keys('MeshIdentity', mesh).length > 0,
    modeTypes,
    instances,
    calls: noCalls,
  });
  const fixture = openApiFixture({}, aloneZone, {
    ...{ engine, whatIf, manager, live },
    revision: store.revision,
    guarded: { strictness, modeTypes },
  });
  assert.equal((await fixture.ask('PUT', '/meshes/default', mesh())).status, 201);
  for (const [position, name] of ['api', 'web'].entries()) {
    const networking = {
      address: `10.0.0.${position + 1}`,
      inbound: [{ port: 8080, tags: { 'kuma.io/service': name, 'kuma.io/protocol': 'http' } }],
    };
    const { status, text } = await fixture.ask('PUT', `/meshes/default/dataplanes/${name}`, {
      ...{ type: 'Dataplane', mesh: 'default', name, networking },
    });
    assert.equal(status, 201, text);
    base.connect(connectedProxy(name));
  }
  assert.equal((await fixture.ask('PUT', '/meshes/default', mesh('PERMISSIVE'))).status, 200);
  assert.deepEqual(asked, [], 'what makes nothing stricter asks nobody');
  return { ...fixture, asked };
}

const counted = (total: number, open: number) =>
  `http.localhost_8080.downstream_cx_total: ${total}\nhttp.localhost_8080.downstream_cx_active: ${open}\n`;
const webIsCalled = async (name: string) => counted(name === 'web' ? 4 : 0, name === 'web' ? 1 : 0);

test('a Mesh that becomes STRICT is refused with the proxies that are called in plain text', async () => {
  const { ask } = await openStage(webIsCalled);
  const { status, body } = await ask('PUT', '/meshes/default', mesh('STRICT'));
  assert.equal(status, 409);
  assert.equal(body.type, '/std-errors');
  assert.deepEqual(body.invalid_parameters, [
    {
      field: 'dataplanes/web',
      reason: 'plaintext: 4 plaintext connections to port 8080 since its Envoy started, 1 open now',
    },
  ]);
  assert.equal((await ask('PUT', '/meshes/default?force=true', mesh('STRICT'))).status, 200);
});

test('so is MeshTLS: written, applied with others, tried, and deleted where it was what let plain text in', async () => {
  const { ask } = await openStage(webIsCalled);
  assert.equal((await ask('PUT', path, tls('Strict'))).status, 409);
  assert.equal((await ask('PUT', `${path}?dryRun=true`, tls('Strict'))).status, 409);
  assert.equal((await ask('POST', '/_apply', { resources: [tls('Strict')] })).status, 409);
  assert.equal((await ask('GET', path)).status, 404);
  assert.equal((await ask('PUT', path, tls('Permissive'))).status, 201);
  assert.equal(
    (await ask('PUT', '/meshes/default', mesh('STRICT'))).status,
    200,
    'the policy still lets plain text in',
  );
  assert.equal((await ask('DELETE', path)).status, 409);
  assert.equal((await ask('DELETE', `${path}?force=true`)).status, 200);
});

test('a proxy without a certificate could call nobody any more, and is named', async () => {
  const { ask } = await openStage(
    async () => counted(0, 0),
    (key) => key !== 'default/api',
  );
  const { status, body } = await ask('PUT', '/meshes/default', mesh('STRICT'));
  assert.equal(status, 409);
  assert.deepEqual(
    body.invalid_parameters.map(({ field, reason }: { field: string; reason: string }) => [field, reason.slice(0, 14)]),
    [['dataplanes/api', 'no certificate']],
  );
});

test('who cannot be asked does not stop the write: it is warned of', async () => {
  const { ask, asked } = await openStage(async (name) => {
    if (name === 'web') throw new Error('nothing listens there');
    return counted(0, 0);
  });
  const { status, body } = await ask('PUT', '/meshes/default', mesh('STRICT'));
  assert.equal(status, 200);
  assert.deepEqual(body.warnings, [
    'whether plaintext clients call Dataplane web is not known: its Envoy could not be asked',
  ]);
  assert.deepEqual(asked.toSorted(), ['api', 'web']);
});

test('a connection over TLS that comes while Envoy reads its counts is no plain text', async () => {
  const readings = [counted(4, 1), counted(0, 0)];
  const { ask, asked } = await openStage(async (name) =>
    name === 'web' ? (readings.shift() ?? counted(0, 0)) : counted(0, 0),
  );
  assert.equal((await ask('PUT', '/meshes/default', mesh('STRICT'))).status, 200);
  assert.deepEqual(asked.toSorted(), ['api', 'web', 'web']);
});

test('proxies for which there is no time are not asked, and the writer is told', async () => {
  const { ask, asked } = await openStage(webIsCalled, () => true, 0);
  const { status, body } = await ask('PUT', '/meshes/default', mesh('STRICT'));
  assert.equal(status, 200);
  assert.deepEqual(asked, []);
  assert.match(body.warnings.join(), /Dataplane web is not known: there are too many proxies to ask all of them/);
});

test('the plan tells each proxy and the next step, and a diff warns', async () => {
  const { ask } = await openStage(webIsCalled);
  const diff = await ask('POST', '/_diff', { resources: [mesh('STRICT')] });
  assert.match(diff.body.warnings[0].message, /^the write would be refused: 1 proxy is not ready/);
  const { body } = await ask('GET', '/meshes/default/_mtls-plan');
  assert.equal(body.mode, 'PERMISSIVE');
  assert.deepEqual(
    body.proxies.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [
      ['api', 'ready'],
      ['web', 'plaintext'],
    ],
  );
  assert.match(body.next, /MeshAccessLog/);
  assert.equal((await ask('GET', '/meshes/none/_mtls-plan')).status, 404);
});

const identityPath = '/meshes/default/meshidentities/identity';
const identity = (matchLabels: object, path = '/app/{{ label "app" }}') => ({
  type: 'MeshIdentity',
  mesh: 'default',
  name: 'identity',
  spec: {
    selector: { dataplane: { matchLabels } },
    spiffeID: { path },
    provider: { type: 'Bundled', bundled: { insecureAllowSelfSigned: true, autogenerate: { enabled: true } } },
  },
});
const dataplane = (name: string, labels: object, address = '10.0.0.9') => ({
  ...{ type: 'Dataplane', mesh: 'default', name, labels },
  networking: {
    address,
    inbound: [{ port: 8080, tags: { 'kuma.io/service': name, 'kuma.io/protocol': 'http' } }],
  },
});

/** A mesh without a backend, whose proxies have the label `app`. */
async function openIdentityStage(answer: (name: string) => Promise<string>) {
  const stage = await openStage(answer);
  assert.equal((await stage.ask('PUT', '/meshes/default', mesh())).status, 200);
  for (const name of ['api', 'web']) {
    const { status, text } = await stage.ask(
      'PUT',
      `/meshes/default/dataplanes/${name}`,
      dataplane(name, { app: name }),
    );
    assert.equal(status, 200, text);
  }
  assert.deepEqual(stage.asked, [], 'labels that nothing selects by make nothing stricter');
  return stage;
}

const violationsOf = ({
  body,
}: {
  readonly body: { readonly invalid_parameters: readonly Record<string, string>[] };
}) => body.invalid_parameters.map(({ field, reason = '' }) => `${field} ${reason.slice(0, reason.indexOf(':'))}`);

test('a MeshIdentity in a mesh without mTLS insists on it: refused where plain text comes, unless a MeshTLS lets it in', async () => {
  const { ask } = await openIdentityStage(webIsCalled);
  const refused = await ask('PUT', identityPath, identity({}));
  assert.equal(refused.status, 409);
  assert.deepEqual(violationsOf(refused), ['dataplanes/web plaintext']);
  assert.equal((await ask('PUT', identityPath, identity({ app: 'api' }))).status, 201, 'nobody calls api');
  assert.equal((await ask('PUT', path, tls('Permissive'))).status, 201);
  assert.equal((await ask('PUT', identityPath, identity({}))).status, 200);
  assert.equal((await ask('DELETE', path)).status, 200, 'the identity is not in force yet');
  assert.equal((await ask('PUT', `${identityPath}?force=true`, identity({ app: 'web' }))).status, 200);
});

test('labels of a Dataplane decide like the policy that selects it, and only its own Envoy is asked', async () => {
  const { ask, asked } = await openIdentityStage(webIsCalled);
  assert.equal((await ask('PUT', '/meshes/default', mesh('PERMISSIVE'))).status, 200);
  const inner = {
    ...tls('Strict'),
    spec: { ...tls('Strict').spec, targetRef: { kind: 'Dataplane', labels: { tier: 'inner' } } },
  };
  assert.equal((await ask('PUT', path, inner)).status, 201);
  const labelled = dataplane('web', { app: 'web', tier: 'inner' });
  const refused = await ask('PUT', '/meshes/default/dataplanes/web', labelled);
  assert.equal(refused.status, 409);
  assert.deepEqual(violationsOf(refused), ['dataplanes/web plaintext']);
  assert.deepEqual([...new Set(asked)], ['web']);
  assert.equal(
    (await ask('PUT', '/meshes/default/dataplanes/web', dataplane('web', { app: 'web' }, '10.0.0.8'))).status,
    200,
  );
  assert.deepEqual([...new Set(asked)], ['web'], 'another address makes nothing stricter');
  assert.equal((await ask('PUT', '/meshes/default/dataplanes/web?force=true', labelled)).status, 200);
});

test('who would lose its certificate while others keep theirs is named; all may lose them together', async () => {
  const { ask, options } = await openIdentityStage(async () => counted(0, 0));
  await makeReady(options, identity({ owner: 'mesh' }));
  for (const name of ['api', 'web'])
    assert.equal(
      (await ask('PUT', `/meshes/default/dataplanes/${name}`, dataplane(name, { app: name, owner: 'mesh' }))).status,
      200,
    );
  const left = await ask('PUT', '/meshes/default/dataplanes/web', dataplane('web', { app: 'web' }));
  assert.equal(left.status, 409);
  assert.match(
    left.body.invalid_parameters[0].reason,
    /^no certificate: it would lose its certificate while 1 other proxy/,
  );
  assert.equal((await ask('PUT', identityPath, identity({ app: 'api' }))).status, 409);
  const { body } = await ask('GET', '/meshes/default/_mtls-plan');
  assert.deepEqual([body.mode, body.identities, body.backend], ['STRICT', ['identity'], undefined]);
  assert.deepEqual(new Set(body.proxies.map(({ state }: { state: string }) => state)), new Set(['strict']));
  assert.equal((await ask('DELETE', identityPath)).status, 200);
});

test('another spiffeID for those who have one already is refused with the way that loses nothing', async () => {
  const { ask, options } = await openIdentityStage(async () => counted(0, 0));
  await makeReady(options, identity({}));
  const renamed = identity({}, '/workload/{{ label "app" }}');
  const refused = await ask('PUT', identityPath, renamed);
  assert.equal(refused.status, 409);
  assert.deepEqual(
    refused.body.invalid_parameters.map(({ field }: { field: string }) => field),
    ['dataplanes/api', 'dataplanes/web'],
  );
  assert.match(
    refused.body.invalid_parameters[0].reason,
    /^new name: .*\/app\/api to .*\/workload\/api .*write a second MeshIdentity/,
  );
  assert.equal((await ask('PUT', `${identityPath}?force=true`, renamed)).status, 200);
});

test('so is another label of a Dataplane that its SPIFFE ID is made of, and no other label', async () => {
  const { ask, options } = await openIdentityStage(async () => counted(0, 0));
  await makeReady(options, identity({}));
  const put = async (labels: object, query = '') =>
    await ask('PUT', `/meshes/default/dataplanes/web${query}`, dataplane('web', labels));
  const refused = await put({ app: 'shop' });
  assert.equal(refused.status, 409);
  assert.deepEqual(violationsOf(refused), ['dataplanes/web new name']);
  assert.match(
    refused.body.invalid_parameters[0].reason,
    /from .*\/app\/web to .*\/app\/shop .*start another proxy with the new labels/,
  );
  assert.equal((await put({ app: 'web', tier: 'inner' })).status, 200);
  assert.equal((await put({ app: 'shop', tier: 'inner' }, '?force=true')).status, 200);
});

/** Brings a MeshIdentity into force, as the control plane does when all have heard of it. */
async function makeReady({ manager }: Pick<ApiFixture['options'], 'manager'>, document: object): Promise<void> {
  await manager.put({ labels: {}, ...document, status: readyIdentityStatus } as never);
}
