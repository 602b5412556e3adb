// Who is waited for although no instance has it: who was connected a moment ago, or still is as far as is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noResponses, type ProxyInsight } from '../../src/insights/insight.ts';
import { awayFrom, deriveLastConnections } from '../../src/insights/last-connections.ts';
import { openLiveStore } from '../identity/live-store.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const subscription = (id: string, endedAt?: number): ProxyInsight['subscriptions'][number] => ({
  id,
  controlPlaneInstanceId: 'cp',
  connectTime: new Date(start).toISOString(),
  ...(endedAt === undefined ? {} : { disconnectTime: new Date(endedAt).toISOString() }),
  status: noResponses,
  version: {
    kumaDp: { version: '2.14.3', gitTag: '', gitCommit: '', buildDate: '' },
    envoy: { version: '1.40.0', build: '' },
    dependencies: {},
  },
});

async function open() {
  const { live, put } = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} });
  const egressMeshes = live.graph.source<readonly string[]>('egress-meshes');
  const last = deriveLastConnections(
    live,
    live.graph.derive('meshes', () => egressMeshes.get('all') ?? []),
  );
  return {
    async proxy(name: string, subscriptions: ProxyInsight['subscriptions'], labels: Record<string, string> = {}) {
      await put({ type: 'Dataplane', mesh: 'default', name, labels, spec: { networking: { address: '192.0.2.1' } } });
      await put({ type: 'DataplaneInsight', mesh: 'default', name, spec: { subscriptions } });
    },
    async egress(name: string, subscriptions: ProxyInsight['subscriptions']) {
      await put({ type: 'ZoneEgress', name, spec: {} });
      await put({ type: 'ZoneEgressInsight', name, spec: { subscriptions } });
    },
    serve: (...meshes: readonly string[]) => egressMeshes.set('all', meshes),
    away: (here: readonly string[], now: number) => {
      const keys = new Set(here.map((name) => `Dataplane/default/${name}`));
      return awayFrom(last.get('default'), keys, now, 10_000)
        .map((key) => key.replace('Dataplane/default/', ''))
        .toSorted();
    },
  };
}

test('who is nowhere is away for as long as is waited for, and without end while its connection is written as open', async () => {
  const { proxy, away } = await open();
  await proxy('here', [subscription('1')]);
  await proxy('open', [subscription('1', start), subscription('2')]);
  await proxy('ended', [subscription('1', start + 1_000)]);
  await proxy('never', []);
  assert.deepEqual(away(['here'], start + 2_000), ['ended', 'open']);
  assert.deepEqual(away(['here', 'ended'], start + 2_000), ['open']);
  assert.deepEqual(away(['here'], start + 11_000), ['open']);
});

test('who starts or leaves is not waited for; who is taken for lost may be sending still', async () => {
  const { proxy, away } = await open();
  const withheld = { 'kuma.io/withheld-ports': '8080' };
  await proxy('leaves', [subscription('1', start)], withheld);
  await proxy('lost', [subscription('1', start)], { ...withheld, 'kuma.io/withheld-because': 'lost' });
  assert.deepEqual(away([], start), ['lost']);
});

test('a zone egress is waited for in the meshes that it serves, whatever Dataplane has its name', async () => {
  const { proxy, egress, serve, away } = await open();
  await proxy('edge', [subscription('1')]);
  await egress('edge', [subscription('1', start)]);
  assert.deepEqual(away(['edge'], start), []);
  serve('other');
  assert.deepEqual(away(['edge'], start), []);
  serve('default', 'other');
  assert.deepEqual(away(['edge'], start), ['ZoneEgress//edge']);
});
