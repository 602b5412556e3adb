// Reports of usage: what they say, where they go, and that nobody waits for them.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { coreResourceTypes } from '@ursa/resources';
import { describeUsage } from '../../src/reports/usage-report.ts';
import { usageReports } from '../../src/reports/usage-reports.ts';
import { manualClock, openLiveStore } from '../identity/live-store.ts';

const facts = {
  ...{ version: '0.1.0', product: 'Ursa', instanceId: 'host-1a2b', hostname: 'host', backend: 'sqlite' },
  ...{ mode: 'zone', environment: 'universal', clusterId: 'c', signal: 'start' as const },
};
const dataplane = (name: string, service: string) => ({
  ...{ type: 'Dataplane', mesh: 'secret-mesh', name },
  spec: { networking: { inbound: [{ port: 80, tags: { 'kuma.io/service': service } }] } },
});

test('a report has counts, no names of what users made', async () => {
  const { live } = await openLiveStore(
    { type: 'Mesh', name: 'secret-mesh', spec: {} },
    ...[dataplane('one', 'secret-service'), dataplane('two', 'secret-service')],
    {
      ...{ type: 'DataplaneInsight', mesh: 'secret-mesh', name: 'one' },
      spec: { subscriptions: [{ id: '1', connectTime: '2026-11-29T00:00:00Z' }] },
    },
  );
  const report = describeUsage(live, coreResourceTypes, facts);
  const { dps_total, dps_online, meshes_total, services_total, n_dataplane, signal, cluster_id } = report;
  assert.deepEqual(
    { dps_total, dps_online, meshes_total, services_total, n_dataplane, signal, cluster_id },
    {
      ...{ dps_total: '2', dps_online: '1', meshes_total: '1', services_total: '1', n_dataplane: '2' },
      ...{ signal: 'start', cluster_id: 'c' },
    },
  );
  assert.doesNotMatch(JSON.stringify(report), /secret/);
});

interface Received {
  readonly signals: string[];
  readonly url: string;
}

async function openReceiver(context: TestContext, status: number): Promise<Received> {
  const signals: string[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    signals.push((JSON.parse(text) as { signal: string }).signal);
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { signals, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** Reports to a server under a clock moved by hand. */
function openReports(url: string) {
  const clock = manualClock(0);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  return { clock, failures, part: usageReports({ url, clock, report: (signal) => ({ signal }), onFailure }) };
}

test('it is sent at the start and every hour, until the part is stopped', async (context) => {
  const { signals, url } = await openReceiver(context, 200);
  const { clock, failures, part } = openReports(url);
  await part.start();
  clock.moveTo(3_600_000);
  await part.stop();
  clock.moveTo(10 * 3_600_000);
  assert.deepEqual([signals, failures, clock.timers()], [['start', 'ping'], [], 0]);
});

test('a server that refuses, redirects or is not there is said so, and asked again an hour later', async (context) => {
  const urls = [(await openReceiver(context, 500)).url, (await openReceiver(context, 302)).url, 'http://127.0.0.1:1/'];
  for (const url of urls) {
    const { clock, failures, part } = openReports(url);
    await part.start();
    assert.equal(clock.timers(), 1);
    await part.stop();
    assert.equal(failures.length, 1, url);
  }
});
