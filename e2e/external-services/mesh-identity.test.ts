// A zone egress in a mesh whose certificates come from MeshIdentities alone: who it is there, who checks that, and how it moves between issuers.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { meshWith, openWorld } from '../harness/world.ts';
import { startEgress, type ZoneEgress } from '../harness/zone-egress.ts';
import { isReady, meshIdentity } from '../mesh-identity/identities.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' });
const partner = await openScriptedService('partner');
let egress: ZoneEgress | undefined;
after(async () => {
  await Promise.all([egress?.stop(), partner.close()]);
  await world.close();
});
const { controlPlane } = world;
const mesh: ResourceDocument = { type: 'Mesh', name: 'default', skipCreatingInitialPolicies: ['*'] };
await controlPlane.apply(mesh);
const ofWorkloads = meshIdentity('workloads', { matchLabels: { app: 'web' } });
const ofOthers = meshIdentity('others', { matchLabels: { app: 'other' } });
const ofEgresses = meshIdentity('egresses', {
  matchLabels: { 'kuma.io/proxy-type': 'zoneegress' },
  spiffeID: { trustDomain: 'way-out.example' },
});
for (const identity of [ofWorkloads, ofOthers]) {
  await controlPlane.apply(identity);
  await isReady(controlPlane, identity.name);
}
await controlPlane.apply({
  type: 'MeshExternalService',
  mesh: 'default',
  name: 'partner',
  spec: {
    match: { type: 'HostnameGenerator', port: 80, protocol: 'http' },
    endpoints: [{ address: '127.0.0.1', port: partner.port }],
  },
});
const web = await world.start({ service: 'web', outside: ['partner'] });
const late = await world.start({ service: 'late', outside: ['partner'] });
const other = await world.start({ service: 'other' });
egress = await startEgress(world, 'egress-1');

const answers = (client: typeof web, status: number) =>
  askUntil(`${client.name} is answered ${status}`, client.urlOf('partner'), {}, (answer) => answer.status === status);

async function warns(client: typeof web, pattern: RegExp): Promise<void> {
  await waitFor(`${client.name} warns of ${pattern}`, async () => {
    const path = `/meshes/default/dataplanes/${client.name}/_config?include=warnings`;
    const { text } = await controlPlane.request('GET', path);
    return pattern.test(text);
  });
}

/** The names that whoever listens there proves itself with, asked for the service as proxies ask. */
function namesAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = sni;
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: asked });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(new X509Certificate(raw).subjectAltName ?? '');
    });
  });
}

let sni = '';
const presents = (names: string) =>
  waitFor(`the egress presents ${names}`, async () => {
    const found = await namesAt(egress?.port ?? 0);
    if (found !== names) throw new Error(`it presents ${found}`);
    return true;
  });

test('while no MeshIdentity speaks for egresses a client is told, and why', async () => {
  await answers(web, 503);
  await warns(web, /partner gets no traffic: no MeshIdentity of the mesh speaks for zone egresses: .*zoneegress/);
});

test('a MeshIdentity that selects egresses gives them one SPIFFE ID, and clients with an identity get out', async () => {
  await controlPlane.apply(ofEgresses);
  await isReady(controlPlane, 'egresses');
  await answers(web, 200);
  const dump = JSON.stringify(JSON.parse(await web.admin('/config_dump?resource=dynamic_active_clusters')));
  sni = /"sni":"([^"]*partner[^"]*)"/.exec(dump)?.[1] ?? '';
  await presents('URI:spiffe://way-out.example/_kuma/zone-egress');
});

test('a client without an identity sends nothing, and is told', async () => {
  const before = partner.tries('');
  await answers(late, 503);
  await warns(late, /partner gets no traffic: .*this proxy has no identity: have a MeshIdentity select it/);
  assert.equal(partner.tries(''), before);
  const path = `/meshes/default/_explain?${new URLSearchParams({ from: 'late', to: 'partner' })}`;
  const { json } = await controlPlane.request('GET', path);
  const { verdict, problems } = json as { verdict: string; problems: readonly { code: string; fix?: string }[] };
  assert.deepEqual([verdict, problems[0]?.code], ['unreachable', 'no-way-out']);
});

test('a mesh that forbids it closes the way, and opens it again', async () => {
  await controlPlane.apply({ ...mesh, routing: { defaultForbidMeshExternalServiceAccess: true } });
  await answers(web, 403);
  await controlPlane.apply(mesh);
  await answers(web, 200);
});

test('an mTLS backend that comes and goes again moves the egress to it and back: 0 requests are lost', async () => {
  const loads = [
    world.load({ url: web.urlOf('partner'), perSecond: 50 }),
    world.load({ url: web.urlOf('partner'), perSecond: 20, newConnections: true }),
  ];
  const put = async (document: ResourceDocument): Promise<void> => {
    const { status, text } = await controlPlane.request('PUT', '/meshes/default?force=true', document);
    assert.ok(status < 300, text);
  };
  await put({ ...mesh, ...meshWith('PERMISSIVE') });
  await presents('URI:spiffe://default/zone-egress, URI:kuma://kuma.io/service/zone-egress');
  await answers(late, 200);
  await put(mesh);
  await presents('URI:spiffe://way-out.example/_kuma/zone-egress');
  for (const { sent, failures } of await Promise.all(loads.map((load) => load.stop())))
    assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});

test('another workload of the mesh that takes the place of the egress is not believed', async () => {
  await egress?.stop();
  egress = undefined;
  const impostor = {
    type: 'ZoneEgress',
    name: 'impostor',
    networking: { address: '127.0.0.1', port: other.inboundPort },
  };
  const { status, text } = await controlPlane.request('PUT', '/zoneegresses/impostor', impostor);
  assert.ok(status < 300, text);
  const before = partner.tries('');
  await waitFor('the impostor is called, and not believed', async () => {
    await answers(web, 503);
    const stats = await web.admin('/stats?filter=cluster.*partner.*ssl.fail_verify_san');
    return /fail_verify_san: [1-9]/.test(stats);
  });
  assert.equal(partner.tries(''), before);
});
