// Lists: pages, filters, lists across meshes, overviews.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture } from './api-fixture.ts';
import { dataplaneDocument, openDefault, openWithMeshes, timeoutDocument } from './documents.ts';

async function openWithDataplanes() {
  const fixture = await openDefault();
  const documents = [
    dataplaneDocument('web-1', { version: 'v1' }),
    dataplaneDocument('web-2', { version: 'v2' }),
    { ...dataplaneDocument('db-1', { 'kuma.io/service': 'db' }), labels: { app: 'db' } },
    {
      type: 'Dataplane',
      mesh: 'default',
      name: 'gw-1',
      networking: { address: '192.168.0.9', gateway: { type: 'DELEGATED', tags: { 'kuma.io/service': 'gw' } } },
    },
  ];
  for (const document of documents) {
    const { status, text } = await fixture.ask('PUT', `/meshes/default/dataplanes/${document.name}`, document);
    assert.equal(status, 201, text);
  }
  return fixture;
}

const namesOf = (body: { readonly items: readonly { readonly name: string }[] }) => body.items.map(({ name }) => name);

test('pages follow one another through next', async () => {
  const { ask } = await openWithDataplanes();
  const first = await ask('GET', '/meshes/default/dataplanes?size=3&name=-');
  assert.deepEqual(namesOf(first.body), ['db-1', 'gw-1', 'web-1']);
  assert.deepEqual(
    [first.body.total, first.body.next],
    [4, 'http://127.0.0.1:5681/meshes/default/dataplanes?name=-&offset=3&size=3'],
  );
  const second = await ask('GET', first.body.next.replace('http://127.0.0.1:5681', ''));
  assert.deepEqual([namesOf(second.body), second.body.next], [['web-2'], null]);
});

test('sizes and offsets that are none are refused', async () => {
  const { ask } = await openDefault();
  for (const query of [
    'size=0',
    'size=-1',
    'size=1001',
    'size=ten',
    'size=9999999999999999999',
    'offset=-1',
    'offset=x',
    'offset=1e3',
  ]) {
    assert.equal((await ask('GET', `/meshes?${query}`)).status, 400, query);
  }
  assert.equal((await ask('GET', '/meshes?size=1000&offset=999999')).status, 200);
});

test('filters choose by name, label, tag and kind of gateway', async () => {
  const { ask } = await openWithDataplanes();
  const expected: Readonly<Record<string, readonly string[]>> = {
    'name=web': ['web-1', 'web-2'],
    'filter[labels.app]=db': ['db-1'],
    'filter[labels.app]=': [],
    'filter[labels.constructor]=x': [],
    'tag=version:v2': ['web-2'],
    'tag=kuma.io/service:b': ['web-1', 'web-2', 'db-1'].sort(),
    'tag=version:*&tag=kuma.io/service:backend': ['web-1', 'web-2'],
    'gateway=true': ['gw-1'],
    'gateway=delegated': ['gw-1'],
    'gateway=builtin': [],
    'gateway=false': ['db-1', 'web-1', 'web-2'],
  };
  for (const [query, names] of Object.entries(expected)) {
    assert.deepEqual(namesOf((await ask('GET', `/meshes/default/dataplanes?${query}`)).body), names, query);
  }
  assert.equal((await ask('GET', '/meshes/default/dataplanes?gateway=constructor')).status, 400);
  assert.equal((await ask('GET', '/meshes/default/dataplanes?filter[spec.x]=y')).status, 400);
});

test('a list across meshes is sorted by mesh, then name', async () => {
  const { ask } = await openWithMeshes(openApiFixture(), 'a', 'a-b');
  for (const mesh of ['a-b', 'a']) {
    for (const name of ['y', 'x'])
      await ask('PUT', `/meshes/${mesh}/meshtimeouts/${name}`, timeoutDocument(name, '1s', mesh));
  }
  const { body } = await ask('GET', '/meshtimeouts');
  const keys = body.items.map(({ mesh, name }: { mesh: string; name: string }) => `${mesh} ${name}`);
  assert.deepEqual(keys, ['a x', 'a y', 'a-b x', 'a-b y']);
});

test('a changed resource is printed anew in lists', async () => {
  const { ask } = await openDefault();
  await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument('a', '1s'));
  assert.equal((await ask('GET', '/meshtimeouts')).body.items[0].spec.to[0].default.connectionTimeout, '1s');
  await ask('PUT', '/meshes/default/meshtimeouts/a', timeoutDocument('a', '2s'));
  assert.equal((await ask('GET', '/meshtimeouts')).body.items[0].spec.to[0].default.connectionTimeout, '2s');
});

test('next keeps to the address of the server when the host header is no host', async () => {
  const { ask } = await openWithMeshes(openApiFixture({ 'apiServer.authn.localhostIsAdmin': true }), 'a', 'b');
  const { body } = await ask('GET', '/meshes?size=1', undefined, { host: 'evil.example/x?y="><script>' });
  assert.doesNotMatch(body.next, /evil|script/);
});

test('overviews join a data plane and its insight, under all their paths', async () => {
  const { ask, store } = await openWithDataplanes();
  const insight = {
    type: 'DataplaneInsight',
    mesh: 'default',
    name: 'web-1',
    labels: {},
    spec: { subscriptions: [{ id: '1' }] },
  };
  await store.write([{ kind: 'put', resource: insight }]);
  for (const path of ['/meshes/default/dataplanes/web-1/_overview', '/meshes/default/dataplanes+insights/web-1']) {
    const { body } = await ask('GET', path);
    assert.equal(body.type, 'DataplaneOverview');
    assert.equal(body.dataplane.networking.address, '192.168.0.1');
    assert.deepEqual(body.dataplaneInsight, { subscriptions: [{ id: '1' }] });
  }
  for (const path of [
    '/meshes/default/dataplanes/_overview',
    '/meshes/default/dataplanes+insights',
    '/dataplanes+insights',
  ]) {
    const { body } = await ask('GET', `${path}?name=web`);
    assert.deepEqual(namesOf(body), ['web-1', 'web-2'], path);
    assert.equal('dataplaneInsight' in body.items[1], false);
  }
});

test('an overview warns of an Envoy with known holes, and of the one that is connected now only', async () => {
  const { ask, store } = await openWithDataplanes();
  const warningsWith = async (...versions: readonly string[]): Promise<unknown> => {
    const subscriptions = versions.map((version, index) => ({ id: String(index), version: { envoy: { version } } }));
    const key = { type: 'DataplaneInsight', mesh: 'default', name: 'web-1' };
    await store.write([{ kind: 'put', resource: { ...key, labels: {}, spec: { subscriptions } } }]);
    const { body } = await ask('GET', '/meshes/default/dataplanes/_overview?name=web-1');
    return body.items[0].warnings;
  };
  assert.match(String(await warningsWith('1.40.0', '1.38.3')), /Envoy 1\.38\.3 has known vulnerabilities.* 1\.38\.4/);
  assert.equal(await warningsWith('1.38.3', '1.40.0'), undefined);
});

test('an overview warns of programs that do not fit', async () => {
  const { ask, store } = await openWithDataplanes();
  const version = {
    kumaDp: { version: '9.9.9', kumaCpCompatible: false },
    envoy: { version: '1.40.0', kumaDpCompatible: false },
  };
  const key = { type: 'DataplaneInsight', mesh: 'default', name: 'web-1' };
  await store.write([
    { kind: 'put', resource: { ...key, labels: {}, spec: { subscriptions: [{ id: '1', version }] } } },
  ]);
  const { body } = await ask('GET', '/meshes/default/dataplanes/_overview?name=web-1');
  const [proxy, envoy] = body.items[0].warnings as readonly string[];
  assert.match(proxy ?? '', /kuma-dp 9\.9\.9 is not made for this control plane/);
  assert.match(envoy ?? '', /Envoy 1\.40\.0 is not the one that kuma-dp 9\.9\.9 is made for/);
});

test('the Dataplanes of a workload are those with its label', async () => {
  const { ask } = await openWithDataplanes();
  for (const name of ['web-1', 'web-2']) {
    const document = { ...dataplaneDocument(name), labels: { 'kuma.io/workload': 'web' } };
    await ask('PUT', `/meshes/default/dataplanes/${name}`, document);
  }
  const workload = { type: 'Workload', mesh: 'default', name: 'web', spec: {} };
  assert.equal((await ask('PUT', '/meshes/default/workloads/web', workload)).status, 201);
  for (const path of ['_dataplanes', '_resources/dataplanes']) {
    const { status, body } = await ask('GET', `/meshes/default/workloads/web/${path}`);
    assert.deepEqual([status, body.total, namesOf(body)], [200, 2, ['web-1', 'web-2']]);
  }
  const overviews = await ask('GET', '/meshes/default/dataplanes/_overview?filter[labels.kuma.io/workload]=web');
  assert.deepEqual(namesOf(overviews.body), ['web-1', 'web-2']);
  assert.equal((await ask('GET', '/meshes/default/workloads/other/_dataplanes')).status, 404);
});

test('host names of services of all kinds are those that they have, not those that another service has already', async () => {
  const { ask } = await openDefault();
  const put = async (path: string, document: object): Promise<void> => {
    const { status, text } = await ask('PUT', path, document);
    assert.equal(status, 201, text);
  };
  const generator = (name: string, selector: string, template: string) =>
    put(`/hostnamegenerators/${name}`, {
      type: 'HostnameGenerator',
      name,
      labels: { 'kuma.io/origin': 'zone' },
      spec: { selector: { [selector]: {} }, template },
    });
  await put('/meshes/default/meshservices/pay', {
    ...{ type: 'MeshService', mesh: 'default', name: 'pay', labels: { team: 'a' } },
    spec: { selector: { dataplaneTags: { 'kuma.io/service': 'pay' } }, ports: [{ port: 80 }] },
  });
  await put('/meshes/default/meshmultizoneservices/all-pay', {
    ...{ type: 'MeshMultiZoneService', mesh: 'default', name: 'all-pay' },
    spec: { selector: { meshService: { matchLabels: { team: 'a' } } }, ports: [{ port: 80, appProtocol: 'http' }] },
  });
  await put('/meshes/default/meshexternalservices/bank', {
    ...{ type: 'MeshExternalService', mesh: 'default', name: 'bank' },
    spec: {
      match: { type: 'HostnameGenerator', port: 443, protocol: 'tcp' },
      endpoints: [{ address: '192.0.2.1', port: 443 }],
    },
  });
  await generator('a-external', 'meshExternalService', 'pay.example');
  await generator('b-service', 'meshService', '{{ .DisplayName }}.example');
  await generator('c-multi', 'meshMultiZoneService', '{{ .DisplayName }}.mzsvc.example');
  const namesAt = async (path: string) => (await ask('GET', `/meshes/default/${path}/_hostnames`)).body;
  const zones = [{ name: 'default' }];
  assert.deepEqual(await namesAt('meshmultizoneservices/all-pay'), {
    items: [{ hostname: 'all-pay.mzsvc.example', zones }],
    total: 1,
  });
  assert.deepEqual((await namesAt('meshexternalservices/bank')).items, [{ hostname: 'pay.example', zones }]);
  assert.deepEqual((await namesAt('meshservices/pay')).items, []);
});
