// Routes lead to servers outside of the mesh: by path and header, by weight on the way from outside into the mesh and back, and as connections.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil, tally } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';
import { startEgress } from '../harness/zone-egress.ts';

const world = await openPolicyWorld();
const inside = await openScriptedService('inside');
const [partner, other] = await Promise.all([openScriptedService('partner'), openScriptedService('other')]);
const [db, replica] = await Promise.all([openTcpService('db'), openTcpService('replica')]);
const servers = { partner, other, db, replica };
after(async () => {
  await world.close();
  await Promise.all([inside, ...Object.values(servers)].map((service) => service.close()));
});
const { controlPlane } = world;
type Outside = keyof typeof servers;

for (const [name, { port }] of Object.entries(servers)) {
  const protocol = name === 'db' || name === 'replica' ? 'tcp' : 'http';
  await controlPlane.apply(
    policy('MeshExternalService', name, {
      match: { type: 'HostnameGenerator', port: 443, protocol },
      endpoints: [{ address: '127.0.0.1', port }],
    }),
  );
}
const { inboundPort } = await world.start({ service: 'inside', servicePort: inside.port, protocol: 'http' });
const client = await world.start({ service: 'client', calls: ['inside'], outside: ['partner', 'db'] });
const egress = await startEgress(world, 'egress-1');
after(() => egress.stop());

const outside = (name: Outside, weight = 1) => ({ kind: 'MeshExternalService', name, port: 443, weight });
const within = (weight = 1) => ({ kind: 'MeshService', name: 'inside', port: inboundPort, weight });
const route = (type: string, kind: string, name: string, ...rules: readonly object[]) =>
  policy(type, `to-${name}`, { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind, name }, rules }] });
const toPartner = (...rules: readonly object[]) => route('MeshHTTPRoute', 'MeshExternalService', 'partner', ...rules);
const all = { path: { type: 'PathPrefix', value: '/' } };
const answered = (what: string, url: string, name: string) =>
  askUntil(what, url, {}, ({ headers }) => headers['x-service'] === name);

test('requests to an external service are told apart by path, and changed on their way', async () => {
  await answered('without a route', client.urlOf('partner'), 'partner');
  const setHeader = {
    type: 'RequestHeaderModifier',
    requestHeaderModifier: { set: [{ name: 'x-tenant', value: 'a' }] },
  };
  await controlPlane.apply(
    toPartner(
      { matches: [{ path: { type: 'PathPrefix', value: '/other' } }], default: { backendRefs: [outside('other')] } },
      { matches: [{ path: { type: 'PathPrefix', value: '/v1' } }], default: { filters: [setHeader] } },
    ),
  );
  await answered('another server', `${client.urlOf('partner')}/other`, 'other');
  const { headers } = await askUntil(
    'the header is set',
    `${client.urlOf('partner')}/v1`,
    {},
    (answer) => answer.seen?.headers['x-tenant'] === 'a',
  );
  assert.equal(headers['x-service'], 'partner');
  const rest = await answered('what no rule takes', client.urlOf('partner'), 'partner');
  assert.equal(rest.seen?.headers['x-tenant'], undefined);
});

test('a service moves into the mesh by weight, and all of it at last', async () => {
  const share = (backendRefs: readonly object[]) => toPartner({ matches: [all], default: { backendRefs } });
  await controlPlane.apply(share([outside('partner', 75), within(25)]));
  await answered('the one in the mesh', client.urlOf('partner'), 'inside');
  const found = await tally(400, client.urlOf('partner'), {}, ({ headers }) => String(headers['x-service']));
  assert.deepEqual(Object.keys(found).sort(), ['inside', 'partner']);
  // Five standard deviations of 400 draws at 1 in 4 are 43.
  assert.ok(Math.abs((found.inside ?? 0) - 100) < 43, JSON.stringify(found));
  await controlPlane.apply(share([within()]));
  await waitFor('all go into the mesh', async () => {
    const names = await tally(40, client.urlOf('partner'), {}, ({ headers }) => String(headers['x-service']));
    return names.inside === 40;
  });
  await controlPlane.delete(toPartner());
  await answered('without the route', client.urlOf('partner'), 'partner');
});

test('a service of the mesh sends to a server outside, and back', async () => {
  const toInside = (rule: object) => route('MeshHTTPRoute', 'MeshService', 'inside', { matches: [all], default: rule });
  await controlPlane.apply(toInside({ backendRefs: [outside('partner')] }));
  await answered('the server outside', client.urlOf('inside'), 'partner');
  await controlPlane.delete(toInside({}));
  await answered('the service itself', client.urlOf('inside'), 'inside');
});

test('connections to an external service go to another one, and back', async () => {
  const says = (name: string) =>
    waitFor(`${name} answers`, async () => (await nameAt(client.portOf('db'))) === name, { within: 10_000 });
  const toDb = route('MeshTCPRoute', 'MeshExternalService', 'db', { default: { backendRefs: [outside('replica')] } });
  await says('db');
  await controlPlane.apply(toDb);
  await says('replica');
  await controlPlane.delete(toDb);
  await says('db');
});

test('a backend outside that is not there is told of, and gets nothing', async () => {
  const nowhere = { kind: 'MeshExternalService', name: 'nowhere', port: 443 };
  await controlPlane.apply(toPartner({ matches: [all], default: { backendRefs: [outside('other'), nowhere] } }));
  await waitFor('all go to the one that is there', async () => {
    const names = await tally(20, client.urlOf('partner'), {}, ({ headers }) => String(headers['x-service']));
    return names.other === 20;
  });
  const path = `/meshes/default/dataplanes/${client.name}/_config?include=warnings`;
  const { json } = await controlPlane.request('GET', path);
  const { warnings } = json as { readonly warnings: readonly string[] };
  assert.ok(
    warnings.some((warning) => warning.includes('there is no MeshExternalService nowhere with port 443')),
    warnings.join('\n'),
  );
});
