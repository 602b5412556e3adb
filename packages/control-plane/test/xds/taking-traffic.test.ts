// A proxy takes traffic from when it says so until it says so, and only at its own word.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { DataplaneSpec, Resource } from '@ursa/resources';
import type { BootstrapRequest } from '../../src/xds/bootstrap/request.ts';
import { startingAnywhere, startingHere } from '../../src/xds/starting-proxies.ts';
import {
  announcesReadiness,
  isExcused,
  openTakingTraffic,
  release,
  sayGoodbye,
  withholdLost,
} from '../../src/xds/taking-traffic.ts';
import { openLiveStore } from '../identity/live-store.ts';
import { type RunningServer, startServer } from './running-server.ts';

describe('a proxy that starts or drains', () => {
  let running: RunningServer;
  before(async () => {
    running = await startServer({ tokens: new Map([['token of web', { Mesh: 'default', Name: 'web' } as never]]) });
  });
  after(() => running.stop());

  const post = (path: string, body: unknown): Promise<number> =>
    new Promise((resolve, reject) => {
      const call = request(
        { port: running.port, host: 'localhost', path, method: 'POST', ca: running.certificate, agent: false },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      call.on('error', reject);
      call.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  const web = { mesh: 'default', name: 'web', proxyType: 'dataplane', dataplaneToken: 'token of web' };
  const states = () => {
    const spec = running.get('Dataplane', 'default', 'web')?.spec as DataplaneSpec | undefined;
    return spec?.networking?.inbound?.map(({ state }) => state);
  };

  test('is refused without its own token, and nothing happens to it', async () => {
    assert.equal(await post('/drain', { ...web, dataplaneToken: 'of another' }), 401);
    assert.equal(await post('/drain', { ...web, dataplaneToken: '' }), 401);
    assert.equal(await post('/drain', { ...web, name: 'other' }), 403);
    assert.deepEqual(states(), [undefined]);
  });

  test('is refused when the body is not what it should be', async () => {
    for (const body of ['', '[]', '{"mesh": 1}', JSON.stringify({ ...web, proxyType: 'other' })])
      assert.equal(await post('/drain', body), 400, body);
  });

  test('has no ready inbound any more once it drains, until it is ready again', async () => {
    assert.equal(await post('/drain', web), 200);
    assert.deepEqual(states(), ['NotReady']);
    assert.equal(await post('/drain', web), 200);
    assert.equal(await post('/ready', web), 200);
    assert.deepEqual(states(), [undefined]);
    assert.deepEqual(
      Object.keys(running.get('Dataplane', 'default', 'web')?.labels ?? {}).filter((label) =>
        label.includes('withheld'),
      ),
      [],
    );
  });
});

test('goodbye is remembered also of a proxy that takes no traffic, and of one that was lost before', () => {
  const client = { type: 'Dataplane', labels: {}, spec: { networking: { address: '10.0.0.1' } } };
  const server = { ...client, spec: { networking: { inbound: [{ port: 8080 }] } } };
  for (const dataplane of [client, server]) {
    for (const before of [dataplane, withholdLost(dataplane)]) {
      assert.equal(isExcused(before), false);
      const gone = sayGoodbye(before);
      assert.equal(isExcused(gone), true);
      assert.deepEqual(release(gone), release(dataplane));
    }
  }
});

describe('the Dataplane that a proxy brings', () => {
  let time = 0;
  const traffic = openTakingTraffic({
    starting: startingHere(() => time),
    live: undefined as never,
    manager: undefined as never,
    authentication: undefined as never,
  });
  const draft = {
    type: 'Dataplane',
    mesh: 'm',
    name: 'web',
    labels: { app: 'web' },
    spec: { networking: { inbound: [{ port: 1 }, { port: 2, state: 'Ignored' }] } },
  } as const;
  const bootstrap = {
    mesh: 'm',
    name: 'web',
    proxyType: 'dataplane',
    features: [announcesReadiness],
    dataplaneToken: 'token',
  } as unknown as BootstrapRequest;
  const ours = [announcesReadiness];

  test('takes traffic at once when its proxy only connects anew, or never says that it is ready', async () => {
    assert.equal(traffic.admit(draft, undefined, ours), draft);
    await traffic.starting({ ...bootstrap, features: [] });
    await traffic.starting({ ...bootstrap, dataplaneToken: '' });
    assert.equal(traffic.admit(draft, undefined, ours), draft);
    await traffic.starting(bootstrap);
    assert.equal(traffic.admit(draft, undefined, []), draft);
  });

  test('is withheld while its proxy starts or drains, and comes back as it was', async () => {
    await traffic.starting(bootstrap);
    const withheld = traffic.admit(draft, undefined, ours);
    assert.deepEqual(withheld, {
      ...draft,
      labels: { app: 'web', 'kuma.io/withheld-ports': '1' },
      spec: {
        networking: {
          inbound: [
            { port: 1, state: 'NotReady' },
            { port: 2, state: 'Ignored' },
          ],
        },
      },
    });
    assert.deepEqual(release(withheld), draft);
    time += 3_600_000;
    assert.equal(traffic.admit(draft, undefined, ours), draft, 'a start of long ago is forgotten');
    assert.notEqual(traffic.admit(draft, { ...withheld, version: 1 } as unknown as Resource, ours), draft, 'it drains');
  });
});

test('a zone egress is withheld by its label, whatever mesh its proxy was started with', async () => {
  const traffic = openTakingTraffic({
    starting: startingHere(),
    live: undefined as never,
    manager: undefined as never,
    authentication: undefined as never,
  });
  const egress = {
    type: 'ZoneEgress',
    mesh: '',
    name: 'out',
    labels: {},
    spec: { networking: { address: '10.0.0.1', port: 10002 } },
  };
  const bootstrap = { mesh: 'default', name: 'out', features: [announcesReadiness], dataplaneToken: 'token' };
  await traffic.starting({ ...bootstrap, proxyType: 'ingress' } as unknown as BootstrapRequest);
  assert.equal(traffic.admit(egress, undefined, [announcesReadiness]), egress, 'an ingress of its name starts');
  await traffic.starting({ ...bootstrap, proxyType: 'egress' } as unknown as BootstrapRequest);
  const withheld = traffic.admit(egress, undefined, [announcesReadiness]);
  assert.deepEqual(withheld, { ...egress, labels: { 'kuma.io/withheld-ports': '10002' } });
  assert.deepEqual(release(withheld), egress);
});

test('a proxy that starts is remembered for all instances, until one of them hears that it is ready, or it never gets there', async () => {
  const { store, live } = await openLiveStore();
  let time = 1_000_000;
  const one = startingAnywhere(store, live, () => time);
  const other = startingAnywhere(store, live, () => time);
  const [web, api] = [
    { mesh: 'default', name: 'web' },
    { mesh: 'default', name: 'api' },
  ];
  await one.begin(web);
  await one.begin(api);
  assert.deepEqual([other.has(web), other.has(api)], [true, true]);
  await other.end(web);
  await other.end(web);
  assert.deepEqual([one.has(web), one.has(api)], [false, true]);
  time += 3_600_000;
  assert.equal(one.has(api), false);
  await one.begin(web);
  assert.deepEqual(
    live.list('ProxyStart').map(({ name }) => name),
    ['web'],
    'what never got there is not kept',
  );
});
