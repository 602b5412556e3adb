import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Graph } from '@ursa/collections';
import type { AdminIdentity, ConnectedProxy, IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import { adminAuthoritySecret, readAdminAuthority } from '../../src/identity/admin-identities.ts';
import { createBuiltinAuthority } from '../../src/identity/authorities/builtin-authority.ts';
import { identitySecrets } from '../../src/identity/identity-secrets.ts';
import { proxyIdentities } from '../../src/identity/proxy-identities.ts';
import { generateSigningKey } from '../../src/identity/tokens/signing-key.ts';
import { connectedProxy } from '../connected-proxy.ts';
import { base64, type Draft, manualClock, openLiveStore } from './live-store.ts';

const place = { zone: 'default', environment: 'universal' } as const;
const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3600 * 1000;

const mesh = (name: string, enabledBackend: string, ...backends: readonly object[]): Draft => ({
  type: 'Mesh',
  name,
  spec: { mtls: { enabledBackend, backends } },
});
const builtin = (name: string, more: object = {}) => ({ name, type: 'builtin', ...more });
const uris = ['kuma://kuma.io/service/web', 'spiffe://default/web'];

// One RSA key for all tests that are not about keys: making them takes longer than the tests.
const data = await generateSigningKey();
const signingKeys: readonly Draft[] = [
  { type: 'GlobalSecret', name: 'user-token-signing-key-1', spec: { data } },
  { type: 'GlobalSecret', name: 'zone-token-signing-key-1', spec: { data } },
  { type: 'Secret', mesh: 'default', name: 'dataplane-token-signing-key-default-1', spec: { data } },
];

async function setUp(context: TestContext, ...resources: readonly Draft[]) {
  return await openIdentities(context, ...signingKeys, ...resources);
}

async function openIdentities(context: TestContext, ...resources: readonly Draft[]) {
  const store = await openLiveStore(...resources);
  const { live } = store;
  const clock = manualClock(start);
  const failures: string[] = [];
  const onFailure = (what: string, error: unknown) => void failures.push(`${what}: ${error}`);
  const secrets = identitySecrets({ live, store: store.store, clock, place, bootstrapAdminToken: true, onFailure });
  await secrets.start();
  const { graph } = live;
  const proxies = graph.source<ConnectedProxy>('proxies');
  const requests = graph.source<IdentityRequest>('requests');
  const identities = graph.source<IssuedIdentity>('identities');
  const trust = graph.source<TrustBundle>('trust');
  const adminIdentities = graph.source<AdminIdentity>('admin-identities');
  const distrusted = graph.source<boolean>('distrusted');
  const used = graph.source<boolean>('used');
  const last = graph.source<string>('last');
  const component = proxyIdentities({
    live,
    store: store.store,
    clock,
    backendsInUse: {
      isTrustedByAll: graph.derive('trusted', (_mesh: string, backend: string) => distrusted.get(backend) !== true),
      isUsed: graph.derive('used', (_mesh: string, backend: string) => used.get(backend) === true),
      lastOf: graph.derive('last', (key: string) => last.get(key)),
    },
    place,
    announce: async () => {},
    untilTaken: async () => {},
    proxies,
    identityRequest: graph.derive('request', (key: string) =>
      proxies.get(key) === undefined ? undefined : requests.get(key),
    ),
    identityKeys: graph.derive('keys', (key: string) => [key]),
    identities,
    trust,
    mtlsExits: graph.source('exits-from-mtls'),
    adminIdentities,
    onFailure,
  });
  await component.start();
  context.after(async () => {
    await component.stop();
    await secrets.stop();
    assert.deepEqual(failures.splice(0), []);
  });
  const connect = (name: string, request: Partial<IdentityRequest> = {}) =>
    graph.batch(() => {
      requests.set(`default/${name}`, { mesh: 'default', proxy: name, backend: 'ca-1', uris, ...request });
      proxies.set(`default/${name}`, connectedProxy(name));
    });
  const chain = (name: string) => identities.get(`default/${name}`)?.certificateChain;
  const { settled } = component;
  return {
    ...store,
    clock,
    graph,
    proxies,
    requests,
    identities,
    trust,
    adminIdentities,
    distrusted,
    used,
    last,
    settled,
    connect,
    chain,
    failures,
  };
}

/** Waits until a condition on the graph's content holds. */
async function until({ graph }: { readonly graph: Graph }, condition: () => boolean): Promise<void> {
  const reached = graph.derive('until', condition);
  await new Promise<void>((resolve) => {
    const watch = graph.watch(reached, [], (isReached) => {
      if (isReached) finish();
    });
    if (watch.value) finish();
    function finish(): void {
      watch.stop();
      resolve();
    }
  });
}

function present<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined);
  return value;
}

test('a proxy of a mesh with a built-in authority gets a certificate that its mesh trusts, with the names that were asked for', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1')));
  run.connect('web-1');
  await until(run, () => run.identities.get('default/web-1') !== undefined);
  await run.settled('default/web-1');
  const identity = present(run.identities.get('default/web-1'));
  const leaf = new X509Certificate(identity.certificateChain);
  const root = new X509Certificate(present(run.trust.get('default')).certificates);
  assert.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root));
  assert.equal(leaf.subjectAltName, uris.map((uri) => `URI:${uri}`).join(', '));
  assert.equal(root.subjectAltName, 'URI:spiffe://default');
  assert.deepEqual([leaf.ca, root.ca], [false, true]);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(Date.parse(leaf.validFrom) < start);
  assert.equal(Date.parse(leaf.validTo), start + 24 * hour);
  assert.deepEqual([identity.backend, identity.notAfter], ['ca-1', '2026-11-24T12:00:00.000Z']);
  const names = run.live.list('Secret', 'default').map(({ name }) => name);
  assert.ok(names.includes('default.ca-builtin-cert-ca-1') && names.includes('default.ca-builtin-key-ca-1'));
});

test('the settings of a backend are respected: RSA, the life of the authority and that of workload certificates', async (context) => {
  const conf = { caCert: { RSAbits: 2048, expiration: '1y' } };
  const run = await setUp(
    context,
    mesh('default', 'ca-1', builtin('ca-1', { conf, dpCert: { rotation: { expiration: '1d12h' } } })),
  );
  run.connect('web-1');
  await until(run, () => run.identities.get('default/web-1') !== undefined);
  const root = new X509Certificate(present(run.trust.get('default')).certificates);
  assert.equal(root.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
  assert.equal(Date.parse(root.validTo), start + 365 * 24 * hour);
  const leaf = new X509Certificate(present(run.identities.get('default/web-1')).certificateChain);
  assert.ok(leaf.verify(root.publicKey));
  assert.equal(Date.parse(leaf.validTo), start + 36 * hour);
});

test('certificates are renewed at four fifths of their life, by one timer for all', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1')));
  run.connect('web-1');
  const hasAll = (key: string) => run.identities.get(key) !== undefined && run.adminIdentities.get(key) !== undefined;
  await until(run, () => hasAll('default/web-1'));
  const timers = run.clock.timers();
  run.clock.moveTo(start + hour);
  run.connect('web-2');
  await until(run, () => hasAll('default/web-2'));
  assert.equal(run.clock.timers(), timers);
  const [first, second] = [run.chain('web-1'), run.chain('web-2')];
  run.clock.moveTo(start + 19.2 * hour - 1);
  await run.settled('default/web-1');
  assert.equal(run.chain('web-1'), first);
  run.clock.moveTo(start + 19.2 * hour);
  await until(run, () => run.chain('web-1') !== first);
  assert.equal(run.chain('web-2'), second);
  run.clock.moveTo(start + 20.2 * hour);
  await until(run, () => run.chain('web-2') !== second);
});

test('a certificate is issued anew when what it must say changes, and not for an equal request', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1')));
  run.connect('web-1');
  await until(run, () => run.chain('web-1') !== undefined);
  const first = run.chain('web-1');
  run.connect('web-1', { uris: [...uris] });
  await run.settled('default/web-1');
  assert.equal(run.chain('web-1'), first);
  run.connect('web-1', { uris: ['spiffe://default/other'] });
  await run.settled('default/web-1');
  const leaf = new X509Certificate(present(run.identities.get('default/web-1')).certificateChain);
  assert.equal(leaf.subjectAltName, 'URI:spiffe://default/other');
});

test('all backends are trusted while the enabled one issues, and what is gone is forgotten', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1'), builtin('ca-2')));
  run.connect('web-1');
  await until(
    run,
    () =>
      run.identities.get('default/web-1') !== undefined &&
      (run.trust.get('default')?.certificates.split('BEGIN').length ?? 0) === 3,
  );
  assert.equal(run.identities.get('default/web-1')?.backend, 'ca-1');
  const [first = '', second = ''] = present(run.trust.get('default')).certificates.split(/(?<=END CERTIFICATE-----\n)/);
  await run.put(mesh('default', 'ca-2', builtin('ca-1'), builtin('ca-2')));
  run.connect('web-1', { backend: 'ca-2' });
  await run.settled('default/web-1');
  const leaf = new X509Certificate(present(run.identities.get('default/web-1')).certificateChain);
  assert.ok(leaf.verify(new X509Certificate(second).publicKey));
  assert.ok(!leaf.verify(new X509Certificate(first).publicKey));
  run.proxies.delete('default/web-1');
  assert.equal(run.identities.get('default/web-1'), undefined);
  await run.remove('Mesh', '', 'default');
  assert.equal(run.trust.get('default'), undefined);
});

test('a proxy goes over to another backend when all proxies trust that one, and not before', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1'), builtin('ca-2')));
  run.connect('web-1');
  await until(run, () => run.identities.get('default/web-1') !== undefined && run.trust.get('default') !== undefined);
  await until(run, () => run.trust.get('default')?.backends.join() === 'ca-1,ca-2');
  run.distrusted.set('ca-2', true);
  const first = run.chain('web-1');
  run.connect('web-1', { backend: 'ca-2' });
  await run.settled('default/web-1');
  assert.equal(run.chain('web-1'), first);
  run.clock.moveTo(start + 20 * hour);
  await until(run, () => run.chain('web-1') !== first);
  assert.equal(run.identities.get('default/web-1')?.backend, 'ca-1', 'it is renewed where it is');
  run.distrusted.delete('ca-2');
  await until(run, () => run.identities.get('default/web-1')?.backend === 'ca-2');
});

test('who comes back in the middle of a rotation gets a certificate of the backend that it had, until all trust the other one', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-2', builtin('ca-1'), builtin('ca-2')));
  await until(run, () => run.trust.get('default')?.backends.join() === 'ca-1,ca-2');
  run.distrusted.set('ca-2', true);
  run.last.set('default/web-1', 'ca-1');
  run.connect('web-1', { backend: 'ca-2' });
  run.connect('web-2', { backend: 'ca-2' });
  await until(run, () => run.chain('web-1') !== undefined && run.chain('web-2') !== undefined);
  const backends = () => ['web-1', 'web-2'].map((name) => run.identities.get(`default/${name}`)?.backend);
  assert.deepEqual(backends(), ['ca-1', 'ca-2'], 'who had none gets one of the enabled backend');
  run.distrusted.delete('ca-2');
  await until(run, () => backends().join() === 'ca-2,ca-2');
});

test('a backend that is taken away is trusted until nobody shows its certificates, and ten seconds at most', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-2', builtin('ca-1'), builtin('ca-2'), builtin('ca-3')));
  const trusted = () => run.trust.get('default')?.backends.join();
  await until(run, () => trusted() === 'ca-1,ca-2,ca-3');
  const { certificates } = present(run.trust.get('default'));
  run.used.set('ca-1', true);
  await run.put(mesh('default', 'ca-2', builtin('ca-2')));
  assert.equal(trusted(), 'ca-1,ca-2', 'nobody has used the third one');
  const kept = present(run.trust.get('default')).certificates.split(/(?<=END CERTIFICATE-----\n)/);
  assert.ok(kept.every((root) => certificates.includes(root)));
  run.used.delete('ca-1');
  assert.equal(trusted(), 'ca-2');
  run.used.set('ca-2', true);
  await run.put(mesh('default', 'ca-1', builtin('ca-1')));
  assert.equal(trusted(), 'ca-1,ca-2');
  await run.put(mesh('default', 'ca-1', builtin('ca-1'), builtin('ca-2')));
  assert.equal(trusted(), 'ca-1,ca-2');
  await run.put(mesh('default', 'ca-1', builtin('ca-1')));
  run.clock.moveTo(start + 9_999);
  assert.equal(trusted(), 'ca-1,ca-2');
  run.clock.moveTo(start + 10_000);
  assert.equal(trusted(), 'ca-1');
  run.used.set('ca-1', true);
  await run.put({ type: 'Mesh', name: 'default', spec: {} });
  assert.equal(trusted(), undefined, 'without mTLS nothing is waited for');
});

test('a backend that takes the place of another one at once issues when all trust it', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1')));
  run.connect('web-1');
  await until(run, () => run.chain('web-1') !== undefined);
  const first = run.chain('web-1');
  run.used.set('ca-1', true);
  run.distrusted.set('ca-2', true);
  await run.put(mesh('default', 'ca-2', builtin('ca-2')));
  run.connect('web-1', { backend: 'ca-2' });
  await until(run, () => run.trust.get('default')?.backends.join() === 'ca-1,ca-2');
  await run.settled('default/web-1');
  assert.equal(run.chain('web-1'), first);
  run.distrusted.delete('ca-2');
  await until(run, () => run.identities.get('default/web-1')?.backend === 'ca-2');
  run.used.delete('ca-1');
  assert.equal(run.trust.get('default')?.backends.join(), 'ca-2');
});

test('a proxy keeps its certificate while its backend cannot be used, and loses it with the mTLS of its mesh', async (context) => {
  const pair = await createBuiltinAuthority('default', undefined, start);
  const secret = (name: string, text: string) => ({
    type: 'Secret',
    mesh: 'default',
    name,
    spec: { data: base64(text) },
  });
  const conf = { cert: { secret: 'ca' }, key: { secret: 'ca-key' } };
  const run = await setUp(
    context,
    secret('ca', pair.certificate),
    secret('ca-key', pair.privateKey),
    mesh('default', 'ca-1', { name: 'ca-1', type: 'provided', conf }),
  );
  run.connect('web-1');
  await run.settled('default/web-1');
  const first = present(run.chain('web-1'));
  await run.remove('Secret', 'default', 'ca-key');
  assert.equal(run.chain('web-1'), first);
  assert.equal(run.failures.splice(0).length, 1);
  run.requests.delete('default/web-1');
  assert.equal(run.chain('web-1'), undefined);
});

test('two hundred proxies at once all get their certificates, few deliveries', async (context) => {
  const run = await setUp(context, mesh('default', 'ca-1', builtin('ca-1')));
  const names = Array.from({ length: 200 }, (_, number) => `web-${number}`);
  let batches = 0;
  const count = run.graph.derive('count', () => run.identities.keys().length);
  const watch = run.graph.watch(count, [], () => batches++);
  run.graph.batch(() => {
    for (const name of names) run.connect(name);
  });
  await until(run, () => run.identities.keys().length === names.length);
  await Promise.all(names.map((name) => run.settled(`default/${name}`)));
  assert.ok(batches <= 6, `${batches} deliveries`);
  watch.stop();
});

test("the admin listener's certificate is for the proxy's address and signed by the admin authority", async (context) => {
  const dataplane = {
    type: 'Dataplane',
    mesh: 'default',
    name: 'web-1',
    spec: { networking: { address: '192.0.2.7' } },
  };
  const run = await setUp(context, mesh('default', ''), dataplane);
  run.connect('web-1');
  await until(run, () => run.adminIdentities.get('default/web-1') !== undefined);
  await run.settled('default/web-1');
  const identity = present(run.adminIdentities.get('default/web-1'));
  const leaf = new X509Certificate(identity.certificateChain);
  const authority = present(
    readAdminAuthority(run.live.get({ type: 'GlobalSecret', mesh: '', name: adminAuthoritySecret })),
  );
  assert.equal(identity.clientCa, authority.certificate);
  assert.ok(leaf.verify(new X509Certificate(authority.certificate).publicKey));
  assert.equal(leaf.checkIP('192.0.2.7'), '192.0.2.7');
  assert.equal(run.identities.get('default/web-1')?.backend, undefined);
});

test('an authority that cannot be used is reported once, and its proxies get their certificates when it is mended', async (context) => {
  const conf = { cert: { secret: 'ca' }, key: { secret: 'ca-key' } };
  const run = await setUp(context, mesh('default', 'ca-1', { name: 'ca-1', type: 'provided', conf }));
  run.connect('web-1');
  await run.settled('default/web-1');
  assert.equal(run.chain('web-1'), undefined);
  await run.put({ type: 'HostnameGenerator', name: 'other', spec: {} });
  assert.deepEqual(run.failures.splice(0), [
    'mTLS backend ca-1 of mesh default: MeshError: the secret "ca" does not exist',
  ]);
  const pair = await createBuiltinAuthority('default', undefined, start);
  const secret = (name: string, text: string) => ({
    type: 'Secret',
    mesh: 'default',
    name,
    spec: { data: base64(text) },
  });
  await run.store.write(
    [secret('ca', pair.certificate), secret('ca-key', pair.privateKey)].map((resource) => ({
      kind: 'put',
      resource: { ...resource, labels: {} },
    })),
  );
  await until(run, () => run.chain('web-1') !== undefined);
  assert.ok(new X509Certificate(run.chain('web-1') ?? '').verify(new X509Certificate(pair.certificate).publicKey));
});

test('the secrets of a mesh come with it; a signing key that the user deletes stays deleted', async (context) => {
  const run = await openIdentities(context, { type: 'Mesh', name: 'default', spec: {} });
  const exists = (type: string, meshName: string, name: string) =>
    run.live.get({ type, mesh: meshName, name }) !== undefined;
  await until(
    run,
    () =>
      run.live.list('GlobalSecret').length === 5 &&
      exists('Secret', 'default', 'dataplane-token-signing-key-default-1'),
  );
  const globals = run.live.list('GlobalSecret').map(({ name }) => name);
  assert.deepEqual(globals, [
    'admin-user-token',
    'envoy-admin-ca',
    'inter-cp-ca',
    'user-token-signing-key-1',
    'zone-token-signing-key-1',
  ]);
  await run.put({ type: 'Mesh', name: 'second', spec: {} });
  await until(run, () => exists('Secret', 'second', 'dataplane-token-signing-key-second-1'));
  await run.remove('Secret', 'default', 'dataplane-token-signing-key-default-1');
  await run.remove('GlobalSecret', '', 'admin-user-token');
  await run.put({ type: 'Mesh', name: 'third', spec: {} });
  await until(run, () => exists('Secret', 'third', 'dataplane-token-signing-key-third-1'));
  assert.equal(exists('Secret', 'default', 'dataplane-token-signing-key-default-1'), false);
  assert.equal(exists('GlobalSecret', '', 'admin-user-token'), false);
});
