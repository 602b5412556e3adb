// A mesh whose workloads prove who they are with one SPIFFE ID each: by traffic, with permissions, several trust domains and short lives.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { isLetIn } from '../harness/let-in.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { openTcpService } from '../harness/tcp-service.ts';
import { answers, openWorld, policy } from '../harness/world.ts';
import { certificatesOf, clients, isReady, meshIdentity, presents, rules, spiffeId } from './identities.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' }, true);
const backend = await openScriptedService('backend');
const db = await openTcpService('db');
after(() => Promise.all([world.close(), backend.close(), db.close()]));
const { controlPlane } = world;
await controlPlane.apply({
  type: 'Mesh',
  name: 'default',
  meshServices: { mode: 'Exclusive' },
  skipCreatingInitialPolicies: ['*'],
});
const server = await world.start({ service: 'backend', servicePort: backend.port });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const calls = ['backend', 'db'];
const web = await world.start({ service: 'web', calls });
const batch = await world.start({ service: 'batch', calls });
const plain = `http://127.0.0.1:${server.inboundPort}/`;

test('without an identity, services talk in the clear', async () => {
  await answers(web.urlOf('backend'), 200);
  await answers(plain, 200);
});

test('a MeshIdentity gives each proxy one SPIFFE ID, and the mesh a MeshTrust', async () => {
  const path = '/meshes/default/meshidentities/identity';
  const refused = await controlPlane.request('PUT', path, meshIdentity('identity'));
  assert.equal(refused.status, 409, 'plain text was there a moment ago, and would be cut off');
  const { status } = await controlPlane.request('PUT', `${path}?force=true`, meshIdentity('identity'));
  assert.equal(status, 201);
  const conditions = await isReady(controlPlane, 'identity');
  assert.deepEqual(
    (conditions as readonly { readonly type: string }[]).map(({ type }) => type),
    ['Provider', 'MeshTrustCreated', 'Ready'],
  );
  await presents(server, spiffeId('backend'));
  const trust = (await controlPlane.request('GET', '/meshes/default/meshtrusts/identity')).json as {
    readonly spec: { readonly trustDomain: string; readonly caBundles: readonly object[] };
  };
  assert.equal(trust.spec.trustDomain, 'default.default.mesh.local');
  assert.equal(trust.spec.caBundles.length, 1);
  await presents(web, spiffeId('web'));
});

test('plain text is refused, and without a permission nobody is let in', async () => {
  await waitFor('plain text is refused', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
  await isLetIn(web, false);
  await isLetIn(batch, false);
});

test('a SPIFFE ID is let in, another one is not', async () => {
  await controlPlane.apply(rules({ allow: [clients(spiffeId('web'))] }));
  await isLetIn(web, true);
  await isLetIn(batch, false);
});

test('the beginning of SPIFFE IDs lets in all of them but those that are refused', async () => {
  const everybody = clients('spiffe://default.default.mesh.local/app/', 'Prefix');
  await controlPlane.apply(rules({ allow: [everybody], deny: [clients(spiffeId('web'))] }));
  await isLetIn(web, false);
  await isLetIn(batch, true);
  await controlPlane.apply(rules({ allow: [clients('spiffe://default.default.mesh.local/', 'Prefix')] }));
  await isLetIn(web, true);
});

test('a permission that names clients by their tags has no effect, and the proxy says so', async () => {
  const from = [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }];
  await controlPlane.delete(rules({}));
  await controlPlane.apply(policy('MeshTrafficPermission', 'by-tags', { targetRef: { kind: 'Mesh' }, from }));
  await isLetIn(web, false);
  await waitFor('the proxy warns', async () => {
    const path = `/meshes/default/dataplanes/${server.name}/_config?include=warnings`;
    const { text } = await controlPlane.request('GET', path);
    return text.includes('MeshTrafficPermission by-tags has no effect on this proxy');
  });
  await controlPlane.delete(policy('MeshTrafficPermission', 'by-tags', {}));
  await controlPlane.apply(rules({ allow: [clients('spiffe://default.default.mesh.local/', 'Prefix')] }));
  await isLetIn(web, true);
});

test('a server is believed by its SPIFFE ID: MeshServices name it', async () => {
  const { json } = await controlPlane.request('GET', '/meshes/default/meshservices/backend');
  const { spec } = json as { readonly spec: { readonly identities: readonly object[] } };
  assert.deepEqual(spec.identities, [
    { type: 'ServiceTag', value: 'backend' },
    { type: 'SpiffeID', value: spiffeId('backend') },
  ]);
});

test('MeshTLS lets plain text in again, and holds TLS to versions', async () => {
  const conf = { mode: 'Permissive', tlsVersion: { min: 'TLS13', max: 'TLS13' } };
  await controlPlane.apply(policy('MeshTLS', 'open', { targetRef: { kind: 'Mesh' }, rules: [{ default: conf }] }));
  await answers(plain, 200);
  await isLetIn(web, true);
  await waitFor('TLS 1.3', async () => {
    // Who is connected already stays so: new requests make new connections.
    await answers(web.urlOf('backend'), 200);
    const stats = await server.admin(`/stats?filter=listener.*${server.inboundPort}.*ssl.versions`);
    return stats.includes('TLSv1.3');
  });
  // There are clients in plain text: those of this test.
  const { status } = await controlPlane.request('DELETE', '/meshes/default/meshtlses/open?force=true');
  assert.equal(status, 200);
  await waitFor('plain text is refused', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
});

test('workloads of another trust domain are clients and servers like the others', async () => {
  const spiffeID = { trustDomain: 'partner.example' };
  await controlPlane.apply(meshIdentity('partner', { matchLabels: { app: 'web' }, spiffeID }));
  await isReady(controlPlane, 'partner');
  await presents(web, spiffeId('web', 'partner.example'));
  await isLetIn(web, false);
  await isLetIn(batch, true);
  await controlPlane.apply(rules({ allow: [clients(spiffeId('web', 'partner.example'))] }));
  await isLetIn(web, true);
  await isLetIn(batch, false);
});

test('short-lived certificates are renewed, and no request is lost', async () => {
  await controlPlane.apply(rules({ allow: [clients('spiffe://partner.example/', 'Prefix')] }));
  await isLetIn(web, true);
  const bundled = { certificateParameters: { expiry: '5s' } };
  const load = world.load({ url: web.urlOf('backend'), perSecond: 50, newConnections: true });
  await controlPlane.apply(meshIdentity('identity', { bundled }));
  const seen = new Set<string>();
  await waitFor(
    'the third certificate',
    async () => {
      for (const { serial } of await certificatesOf(server)) seen.add(serial);
      return seen.size > 3;
    },
    { within: 40_000 },
  );
  const { sent, failures } = await load.stop();
  assert.ok(sent > 0);
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});
