// TrafficRoutes, the older form of routes, with real Envoys: shares of two subsets of a service, rules for requests that change them, and a share
// that leaves the mesh, directly and through the zone's egress.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askUntil, tally } from '../harness/ask.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { allowAll, askAdmin, meshWith, openWorld } from '../harness/world.ts';
import { startEgress } from '../harness/zone-egress.ts';

const world = await openWorld();
const services = await Promise.all(['v1', 'v2', 'partner'].map((name) => openScriptedService(name)));
const stores = await Promise.all(['db', 'replica'].map((name) => openTcpService(name)));
const [first, second, partner] = services;
const [db, replica] = stores;
assert.ok(first && second && partner && db && replica);
const ends: (() => Promise<void>)[] = [];
after(async () => {
  await Promise.all(ends.map((end) => end()));
  await world.close();
  await Promise.all([...services, ...stores].map((service) => service.close()));
});
const { controlPlane } = world;
/** Older types are not at the paths of newer ones. */
const write = async (resource: ResourceDocument): Promise<void> => {
  const { status, text } = await controlPlane.request('POST', '/_apply', { resources: [resource] });
  assert.ok(status < 300, text);
};
const mesh = meshWith('STRICT');
await controlPlane.apply(mesh);
await controlPlane.apply(allowAll);

const tag = (service: string, tags: Readonly<Record<string, string>> = {}) => ({ 'kuma.io/service': service, ...tags });
const outside: ResourceDocument = {
  type: 'ExternalService',
  mesh: 'default',
  name: 'partner',
  tags: tag('partner', { 'kuma.io/protocol': 'http' }),
  networking: { address: `localhost:${partner.port}` },
};
const everybody: ResourceDocument = {
  type: 'TrafficPermission',
  mesh: 'default',
  name: 'everybody',
  sources: [{ match: tag('*') }],
  destinations: [{ match: tag('*') }],
};
await write(outside);
await write(everybody);

await world.start({ service: 'api', servicePort: first.port, tags: { version: 'v1' } });
await world.start({ service: 'api', servicePort: second.port, tags: { version: 'v2' } });
await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
await world.start({ service: 'replica', servicePort: replica.port, protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['api', 'db'] });
const url = client.urlOf('api');

const route = (name: string, destination: string, conf: object): ResourceDocument => ({
  type: 'TrafficRoute',
  mesh: 'default',
  name,
  sources: [{ match: tag('client') }],
  destinations: [{ match: tag(destination) }],
  conf,
});
const share = (weight: number, service: string, tags = {}) => ({ weight, destination: tag(service, tags) });
const v2Only = { destination: tag('api', { version: 'v2' }) };
const answeredBy = (name: string, path = '', headers = {}) =>
  askUntil(`${name} answers ${path}`, `${url}${path}`, { headers }, (answer) => answer.headers['x-service'] === name);
const counted = (count: number) => tally(count, url, {}, ({ headers }) => String(headers['x-service']));

/** Waits until all of some requests are answered by these. */
const onlyBy = (...names: readonly string[]) =>
  waitFor(`only ${names.join(' and ')} answer`, async () => {
    const found = Object.keys(await counted(40)).sort();
    return JSON.stringify(found) === JSON.stringify([...names].sort());
  });

/** Five standard deviations of so many draws at 1 in 4. */
const near = (found: number | undefined, draws: number) =>
  Math.abs((found ?? 0) - draws / 4) < 5 * Math.sqrt((draws * 3) / 16);

test('the route of the peer for everything changes nothing', async () => {
  const all = { ...route('route-all-default', '*', { loadBalancer: { roundRobin: {} }, destination: tag('*') }) };
  await write({ ...all, sources: [{ match: tag('*') }] });
  await onlyBy('v1', 'v2');
});

test('a split gives two subsets of a service their shares, and one of weight 0 nothing', async () => {
  await write(route('to-api', 'api', v2Only));
  await onlyBy('v2');
  const split = [share(3, 'api', { version: 'v1' }), share(1, 'api', { version: 'v2' }), share(0, 'partner')];
  await write(route('to-api', 'api', { split, loadBalancer: { leastRequest: { choiceCount: 2 } } }));
  await answeredBy('v1');
  const found = await counted(400);
  assert.deepEqual(Object.keys(found).sort(), ['v1', 'v2']);
  assert.ok(near(found.v2, 400), JSON.stringify(found));
});

test('rules take requests in their order, and change path, host and headers', async () => {
  const items = '^/items/([0-9]+)$';
  const http = [
    {
      match: { path: { prefix: '/old' }, method: { exact: 'GET' } },
      modify: {
        path: { rewritePrefix: '/new' },
        host: { value: 'new.example' },
        requestHeaders: { add: [{ name: 'x-tenant', value: 'a' }], remove: [{ name: 'x-secret' }] },
        responseHeaders: { add: [{ name: 'x-routed', value: '%ROUTE_NAME%' }] },
      },
      ...v2Only,
    },
    {
      match: { path: { regex: '/items/[0-9]+' }, headers: { 'x-kind': { prefix: 'good' } } },
      modify: {
        path: { regex: { pattern: items, substitution: '/item?id=\\1' } },
        host: { fromPath: { pattern: items, substitution: 'shard-\\1' } },
      },
      ...v2Only,
    },
  ];
  await write(route('to-api', 'api', { http, destination: tag('api', { version: 'v1' }) }));
  await onlyBy('v1');
  const changed = await answeredBy('v2', '/old/things', { 'x-secret': 'yes' });
  assert.equal(changed.seen?.url, '/new/things');
  assert.equal(changed.seen?.headers.host, 'new.example');
  assert.equal(changed.seen?.headers['x-tenant'], 'a');
  assert.equal(changed.seen?.headers['x-secret'], undefined);
  assert.equal(changed.headers['x-routed'], 'to-api');
  const sharded = await answeredBy('v2', '/items/42', { 'x-kind': 'goods' });
  assert.equal(sharded.seen?.url, '/item?id=42');
  assert.equal(sharded.seen?.headers.host, 'shard-42');
  const plain = await answeredBy('v1', '/items/42', { 'x-kind': 'bad' });
  assert.equal(plain.seen?.url, '/items/42');
  const { json } = await controlPlane.request('GET', '/meshes/default/_explain?from=client&to=api&path=/old/x');
  assert.match(JSON.stringify(json), /prefix \/old with :method takes it, of TrafficRoute to-api/);
});

test('connections are split as well', async () => {
  const says = (name: string) =>
    waitFor(`${name} answers`, async () => (await nameAt(client.portOf('db'))) === name, { within: 10_000 });
  await says('db');
  await write(route('to-db', 'db', { split: [share(0, 'db'), share(1, 'replica')] }));
  await says('replica');
  assert.equal((await controlPlane.request('DELETE', '/meshes/default/traffic-routes/to-db')).status, 200);
  await says('db');
});

test('a share leaves the mesh directly, to the server by its own name', async () => {
  const split = [share(3, 'api', { version: 'v1' }), share(1, 'partner')];
  await write(route('to-api', 'api', { split }));
  const { seen } = await answeredBy('partner');
  assert.equal(seen?.headers.host, 'localhost');
  await onlyBy('v1', 'partner');
  const found = await counted(400);
  assert.ok(near(found.partner, 400), JSON.stringify(found));
});

test('and through the egress, once the mesh wants that', async () => {
  const egress = await startEgress(world, 'egress-1');
  ends.push(() => egress.stop());
  await controlPlane.apply({ ...mesh, routing: { zoneEgress: true } });
  await waitFor('the egress passes requests on', async () => {
    await counted(20);
    const stats = await askAdmin(join(world.folder, egress.name), '/stats?filter=cluster.*partner.*upstream_rq_total');
    return /: [1-9]/.test(stats);
  });
  const found = await counted(400);
  assert.deepEqual(Object.keys(found).sort(), ['partner', 'v1']);
  assert.ok(near(found.partner, 400), JSON.stringify(found));
});

test('a newer route that speaks of the same service wins, and is told apart from the older one', async () => {
  const backendRefs = [{ kind: 'MeshServiceSubset', name: 'api', tags: { version: 'v2' } }];
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: { backendRefs } }];
  const newer: ResourceDocument = {
    type: 'MeshHTTPRoute',
    mesh: 'default',
    name: 'newer',
    spec: { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind: 'MeshService', name: 'api' }, rules }] },
  };
  await controlPlane.apply(newer);
  await onlyBy('v2');
  const { json } = await controlPlane.request('GET', '/meshes/default/_explain?from=client&to=api');
  assert.match(
    JSON.stringify(json),
    /TrafficRoute to-api selects this request and has no effect: MeshHTTPRoute newer speaks of api/,
  );
  await controlPlane.delete(newer);
  await onlyBy('v1', 'partner');
});
