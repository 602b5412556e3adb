// What probes have found is written where others read it, together with since when and why, in few writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataplaneSpec, MeshError, type Resource } from '@ursa/resources';
import { openInboundHealth } from '../../src/insights/inbound-health.ts';
import type { ProxyInsight } from '../../src/insights/insight.ts';
import type { Store } from '../../src/store/store.ts';
import { openLiveStore } from '../identity/live-store.ts';

const probed = (name: string, port = 80) => ({
  type: 'Dataplane',
  mesh: 'm',
  name,
  spec: { networking: { address: '192.0.2.1', inbound: [{ port, serviceProbe: { tcp: {} } }] } },
});
const keyOf = (name: string) => ({ type: 'Dataplane', mesh: 'm', name });
const healthy = new Map([['192.0.2.1:80', { healthy: true }]]);
const dead = new Map([['192.0.2.1:80', { healthy: false, reason: 'nothing accepts connections' }]]);
const fail = (error: unknown): never => {
  throw error;
};

/** A writer over a store whose writes are counted, on a clock that stands. */
async function open(...names: readonly string[]) {
  const live = await openLiveStore(...names.map((name) => probed(name)));
  let writes = 0;
  let down = false;
  let time = new Date('2026-01-01T00:00:00Z');
  const store: Store = {
    ...live.store,
    write(decision) {
      writes += 1;
      if (down) return Promise.reject(new MeshError('unavailable', 'the disk is full'));
      return live.store.write(decision);
    },
  };
  const failures: unknown[] = [];
  const writer = openInboundHealth({ store, gather: 0, now: () => time, onError: (error) => failures.push(error) });
  return {
    ...live,
    writer,
    failures,
    writes: () => writes,
    setDown(isDown: boolean) {
      down = isDown;
    },
    setTime(text: string) {
      time = new Date(text);
    },
    async settled() {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    stateOf: (name: string) => {
      const spec = live.live.get(keyOf(name))?.spec as DataplaneSpec | undefined;
      return spec?.networking?.inbound?.[0]?.state;
    },
    inboundsOf: (name: string) =>
      (live.live.get({ ...keyOf(name), type: 'DataplaneInsight' }) as Resource<ProxyInsight> | undefined)?.spec
        .inbounds,
  };
}

test('the Dataplane says it, the insight since when and why', async () => {
  const at = await open('web');
  at.writer.report(keyOf('web'), healthy);
  await at.settled();
  assert.equal(at.stateOf('web'), 'Ready');
  at.setTime('2026-01-01T00:01:00Z');
  at.writer.report(keyOf('web'), dead);
  await at.settled();
  assert.equal(at.stateOf('web'), 'NotReady');
  const since = '2026-01-01T00:01:00.000Z';
  const reason = 'nothing accepts connections';
  assert.deepEqual(at.inboundsOf('web'), [{ address: '192.0.2.1', port: 80, ready: false, since, reason }]);
  await at.writer.stop();
});

test('an insight keeps what it knew of connections', async () => {
  const at = await open('web');
  const subscriptions = [{ id: 'one' }];
  await at.put({ type: 'DataplaneInsight', mesh: 'm', name: 'web', spec: { subscriptions } });
  at.writer.report(keyOf('web'), healthy);
  await at.settled();
  const insight = at.live.get({ ...keyOf('web'), type: 'DataplaneInsight' })?.spec as ProxyInsight;
  assert.deepEqual(insight.subscriptions, subscriptions);
  await at.writer.stop();
});

test('what is known already is not written again, nor what has gone', async () => {
  const at = await open('web');
  at.writer.report(keyOf('web'), healthy);
  await at.settled();
  const { version } = at.live.get(keyOf('web')) ?? fail(new Error('it is gone'));
  at.writer.report(keyOf('web'), healthy);
  at.writer.report(keyOf('ghost'), healthy);
  await at.settled();
  assert.equal(at.live.get(keyOf('web'))?.version, version);
  assert.equal(at.live.get(keyOf('ghost')), undefined);
  assert.equal(at.live.get({ ...keyOf('ghost'), type: 'DataplaneInsight' }), undefined);
  await at.writer.stop();
});

test('a thousand probes that change at once make few writes, and the last finding counts', async () => {
  const names = Array.from({ length: 1000 }, (_, number) => `web-${number}`);
  const at = await open(...names);
  for (const found of [healthy, dead, healthy, dead, healthy])
    for (const name of names) at.writer.report(keyOf(name), found);
  await at.settled();
  await at.writer.stop();
  assert.equal(at.writes(), 5);
  assert.deepEqual([...new Set(names.map(at.stateOf))], ['Ready']);
});

test('what the store does not take is told once, and written when the writer stops at the latest', async () => {
  const at = await open('web');
  at.setDown(true);
  at.writer.report(keyOf('web'), healthy);
  await at.settled();
  at.writer.report(keyOf('web'), dead);
  await at.settled();
  assert.equal(at.failures.length, 1);
  at.setDown(false);
  at.writer.report(keyOf('web'), healthy);
  await at.settled();
  assert.equal(at.stateOf('web'), 'Ready');
  await at.writer.stop();
});
