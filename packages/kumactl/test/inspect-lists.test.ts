// `kumactl inspect meshes|services|zones|…` and what Envoys say of themselves.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';
import type { StubAnswer } from './terminal.ts';

let answer: StubAnswer = {};
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(() => answer);
});
after(() => stub.close());

const config = '{"store":{"type":"postgres"}}';
const subscriptions = [{ connectTime: '2026-11-23T11:58:00Z', version: { kumaCp: { version: '1.2' } }, config }];
const lists: readonly [command: string, url: string, item: object, row: readonly string[]][] = [
  [
    'meshes',
    '/mesh-insights',
    { name: 'm', dataplanes: { total: 3, online: 2 }, services: { total: 4 }, policies: { A: { total: 2 } } },
    ['m', '2/3', '0', '4', '2', '-', '-'],
  ],
  [
    'meshes',
    '/mesh-insights',
    {
      name: 'm',
      dataplanes: { total: 2, online: 2 },
      mTLS: {
        issuedBackends: { old: { total: 2, online: 2 } },
        supportedBackends: { old: { total: 2, online: 2 }, new: { total: 2, online: 1 } },
      },
    },
    ['m', '2/2', '0', '0', '0', 'old 2/2', 'old 2/2, new 1/2'],
  ],
  [
    'services',
    '/meshes/default/service-insights',
    { name: 'web', status: 'online', dataplanes: { total: 1, online: 1 }, addressPort: 'web.mesh:80' },
    ['web', 'Online', '1/1', 'internal', 'web.mesh:80'],
  ],
  [
    'workloads',
    '/meshes/default/workloads',
    {
      name: 'checkout',
      creationTime: '2026-11-23T11:58:00Z',
      status: { dataplaneProxies: { connected: 1, healthy: 2, total: 3 } },
    },
    ['checkout', '1', '2', '3', '2m'],
  ],
  [
    'zones',
    '/zones/_overview',
    { name: 'east', zone: { enabled: true }, zoneInsight: { subscriptions } },
    ['east', 'Online', '2m', 'never', '0', '0', '1.2', 'postgres', 'on'],
  ],
  [
    'zones',
    '/zones/_overview',
    { name: 'west', zone: { enabled: false }, zoneInsight: { subscriptions: [{ ...subscriptions[0], config: '{' }] } },
    ['west', 'Offline', '2m', 'never', '0', '0', '1.2', '-', 'off'],
  ],
  [
    'control-planes',
    '/_instances',
    {
      ...{ id: 'cp-1', status: 'Online', leader: true, proxies: 3, address: '10.0.0.1:5683', version: '1.2' },
      ...{ startTime: '2026-11-23T11:58:00Z', lastSeen: '2026-11-23T11:59:58Z' },
    },
    ['cp-1', 'Online', 'yes', '3', '10.0.0.1:5683', '1.2', '2m', '2s'],
  ],
  [
    'zoneingresses',
    '/zoneingresses/_overview',
    { name: 'in', zoneIngress: { zone: 'east', networking: { address: '10.0.0.1', port: 10001 } } },
    ['in', 'Offline', 'never', 'never', '0', '0', '-', '-', 'east', '10.0.0.1:10001'],
  ],
  [
    'zone-egresses',
    '/zoneegresses/_overview',
    { name: 'out', zoneEgress: { zone: 'east', networking: { address: '10.0.0.2', port: 10002 } } },
    ['out', 'Offline', 'never', 'never', '0', '0', '-', '-', 'east', '10.0.0.2:10002'],
  ],
];

for (const [command, url, item, row] of lists) {
  test(`inspect ${command} shows a line for each`, async () => {
    answer = { body: { items: [item] } };
    const { code, stdout } = await stub.run(['inspect', command]);
    assert.deepEqual([code, stub.requests.at(-1)?.url], [0, url]);
    assert.deepEqual(stdout.split('\n')[1]?.split(/ {3,}/), row);
  });
}

const pages: readonly [args: readonly string[], url: string][] = [
  [
    ['dataplane', 'web', '--type', 'config-dump', '--include-eds'],
    '/meshes/default/dataplanes/web/xds?include_eds=true',
  ],
  [['dataplane', 'web', '--type', 'stats'], '/meshes/default/dataplanes/web/stats'],
  [['dataplane', 'web', '--type', 'clusters', '-o', 'json'], '/meshes/default/dataplanes/web/clusters?format=json'],
  [['zoneingress', 'in'], '/zoneingresses/in/xds'],
  [['zoneegress', 'out', '--type', 'stats', '-o', 'yaml'], '/zoneegresses/out/stats?format=json'],
  [['zoneegress', 'out', '--type', 'config'], '/zoneegresses/out/_config'],
  [['zoneegress', 'out', '--type', 'config', '-o', 'yaml'], '/zoneegresses/out/_config'],
];

for (const [args, url] of pages) {
  test(`inspect ${args.join(' ')} asks the control plane for what Envoy has`, async () => {
    answer = { body: { a: 1 } };
    const { code, stdout } = await stub.run(['inspect', ...args]);
    assert.deepEqual([code, stub.requests.at(-1)?.url], [0, url]);
    assert.match(stdout, /a"?: ?1/);
  });
}

test('lists are shown whole, however many pages they have', async (context) => {
  const names = Array.from({ length: 5 }, (_, index) => `web-${index}`);
  const paged = await openControlPlaneStub(({ url }) => {
    const offset = Number(new URL(url, 'http://localhost').searchParams.get('offset') ?? 0);
    const items = names.slice(offset, offset + 2).map((name) => ({ name, mesh: 'default', dataplane: {} }));
    const next = offset + 2 < names.length ? `http://elsewhere/?offset=${offset + 2}` : null;
    return { body: { total: names.length, items, next } };
  });
  context.after(() => paged.close());
  const table = await paged.run(['inspect', 'dataplanes', '--tag', 'a=b']);
  assert.deepEqual(table.stdout.match(/web-\d/g), names);
  assert.deepEqual(
    paged.requests.map(({ url }) => url.split('_overview')[1]),
    ['?tag=a%3Ab', '?tag=a%3Ab&offset=2', '?tag=a%3Ab&offset=4'],
  );
  const json = JSON.parse((await paged.run(['inspect', 'services', '-o', 'json'])).stdout);
  assert.deepEqual([json.total, json.items.length, json.next], [5, 5, null]);
});

test('inspect workload lists its proxies, and says when there is no such workload', async () => {
  answer = { body: { items: [{ mesh: 'default', name: 'web-1', dataplane: {} }] } };
  const { code, stdout } = await stub.run(['inspect', 'workload', 'checkout']);
  assert.equal(code, 0);
  assert.deepEqual(
    stub.requests.slice(-2).map(({ url }) => decodeURIComponent(url)),
    [
      '/meshes/default/workloads/checkout',
      '/meshes/default/dataplanes/_overview?filter[labels.kuma.io/workload]=checkout',
    ],
  );
  assert.match(stdout, /^default +web-1 .*Offline/m);
  answer = { status: 404, body: { title: 'Could not retrieve a resource', detail: 'Not found' } };
  const missing = await stub.run(['inspect', 'workload', 'other']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /Not found.*workloads\/other/);
});

test('why a proxy cannot be asked is said once, by who knows it', async () => {
  const detail = 'the proxy "web" is not connected to this control plane: start its kuma-dp';
  answer = { status: 503, body: { title: 'Service unavailable', detail } };
  const { code, stderr } = await stub.run(['inspect', 'dataplane', 'web', '--type', 'stats']);
  assert.deepEqual([code, stderr], [1, `Error: Service unavailable (${detail})\n`]);
});
