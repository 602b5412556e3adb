// The diagnostics endpoints, in memory and over a socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { createGraph } from '@ursa/collections';
import { MeshError } from '@ursa/resources';
import { createMeter } from '@ursa/telemetry';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { declareMetrics } from '../../src/diagnostics/metrics.ts';
import { processMetrics } from '../../src/diagnostics/process-metrics.ts';
import { createReadiness } from '../../src/diagnostics/readiness.ts';
import { answerDiagnostics, type DiagnosticsSources } from '../../src/diagnostics/routes.ts';
import { createDiagnosticsServer } from '../../src/diagnostics/server.ts';
import type { CertificatePair, ServedCertificate } from '../../src/identity/served-certificate.ts';
import { openServerCertificate } from '../../src/identity/server-certificate.ts';
import { openLog } from '../../src/log.ts';
import { soleLeadership } from '../../src/store/leadership.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { put } from '../store-contract.ts';

const silent = { write: () => {} };

function sourcesWith(changes: Partial<DiagnosticsSources> = {}): DiagnosticsSources {
  return {
    readiness: createReadiness(),
    log: openLog('info', silent),
    metrics: () => '',
    debugEndpoints: false,
    ...changes,
  };
}

function ask(method: string, url: string, sources: DiagnosticsSources, body = '') {
  const { pathname, searchParams } = new URL(url, 'http://x');
  return answerDiagnostics({ method, path: pathname, query: searchParams, body }, sources);
}

test('ready is answered with the reasons of every part that is not', async () => {
  const readiness = createReadiness();
  const sources = sourcesWith({ readiness });
  const started = readiness.await('api', 'not started yet');
  let fault: string | undefined = 'disk full';
  readiness.add('store', () => fault);
  const before = await ask('GET', '/ready', sources);
  assert.equal(before.status, 503);
  assert.deepEqual(JSON.parse(before.body), { ready: false, reasons: { api: 'not started yet', store: 'disk full' } });
  started();
  fault = undefined;
  assert.equal((await ask('GET', '/ready', sources)).status, 200);
  fault = 'disk full again';
  assert.equal((await ask('GET', '/ready', sources)).status, 503);
});

test('a degraded part is told, and leaves the instance in service', async () => {
  const readiness = createReadiness();
  const sources = sourcesWith({ readiness });
  const degradation = { since: '2026-11-28T12:00:00.000Z', reason: 'connection refused', stale: true };
  let state: typeof degradation | undefined = degradation;
  readiness.addDegradable('store', () => state);
  const degraded = await ask('GET', '/ready', sources);
  assert.equal(degraded.status, 200);
  assert.deepEqual(JSON.parse(degraded.body), { ready: true, degraded: { store: degradation } });
  readiness.add('api', () => 'not started yet');
  assert.equal((await ask('GET', '/ready', sources)).status, 503);
  state = undefined;
  assert.deepEqual(JSON.parse((await ask('GET', '/ready', sources)).body), {
    ready: false,
    reasons: { api: 'not started yet' },
  });
});

test('healthy is answered as long as there is a process', async () => {
  assert.equal((await ask('GET', '/healthy', sourcesWith())).status, 200);
});

test('levels are set, listed and reset', async () => {
  const sources = sourcesWith();
  const set = await ask('PUT', '/logging', sources, '{"component":"xds","level":"debug"}');
  assert.equal(set.status, 200);
  assert.deepEqual(JSON.parse((await ask('GET', '/logging', sources)).body), { components: { xds: 'debug' } });
  await ask('PUT', '/logging', sources, '{"component":"api","level":"off"}');
  assert.equal((await ask('DELETE', '/logging/xds', sources)).status, 200);
  assert.deepEqual(JSON.parse((await ask('DELETE', '/logging', sources)).body), { components: { api: 'off' } });
  assert.deepEqual(JSON.parse((await ask('GET', '/logging', sources)).body), { components: {} });
});

test('bad requests for levels are refused', async () => {
  const sources = sourcesWith();
  for (const body of [
    '{',
    '[]',
    'null',
    '{"level":"debug"}',
    '{"component":"../etc","level":"debug"}',
    '{"component":"a","level":"loud"}',
  ]) {
    assert.equal((await ask('PUT', '/logging', sources, body)).status, 400, body);
  }
  assert.equal((await ask('DELETE', '/logging/a!b', sources)).status, 400);
  assert.equal((await ask('GET', '/logging/xds', sources)).status, 405);
  assert.equal((await ask('POST', '/ready', sources)).status, 405);
  assert.equal((await ask('GET', '/nothing', sources)).status, 404);
});

test('profiles are served only when they are switched on', async () => {
  assert.equal((await ask('GET', '/debug/pprof/heap', sourcesWith())).status, 404);
  const sources = sourcesWith({ debugEndpoints: true });
  assert.equal((await ask('GET', '/debug/pprof/', sources)).status, 200);
  const live = JSON.parse((await ask('GET', '/debug/pprof/live', sources)).body);
  assert.ok(live.heapUsed > 0 && live.resident > live.heapUsed, JSON.stringify(live));
  const profile = await ask('GET', '/debug/pprof/profile?seconds=0.05', sources);
  assert.ok(Array.isArray(JSON.parse(profile.body).nodes));
  await assert.rejects(
    ask('GET', '/debug/pprof/profile?seconds=1e9', sources),
    (error: unknown) => error instanceof MeshError,
  );
});

test('metrics tell of the process, the store, the graph and the log', async () => {
  const store = openMemoryStore();
  const graph = createGraph();
  const live = openLiveResources(graph, store);
  const log = openLog('info', silent);
  const meter = createMeter({ labels: { zone: 'east' } });
  processMetrics(meter);
  declareMetrics({
    meter,
    store,
    leadership: soleLeadership,
    live,
    graph,
    log,
    types: ['MeshTimeout'],
    version: '1.2.3',
    instanceId: 'i-1',
    clusterId: () => 'c-1',
    connectedProxies: () => 3,
    queuedPushes: () => 5,
    refusedUpdates: () => ({ listener: 2 }),
    heldBackPolicies: () => 1,
    countResources: true,
  });
  await store.write([put('a', 1), put('b', 1)]);
  log.component('a').warn('x');
  const text = meter.text();
  for (const line of [
    'cp_info{product="Ursa",version="1.2.3",instance_id="i-1",cluster_id="c-1",zone="east"} 1',
    'store_revision{zone="east"} 2',
    'store_healthy{zone="east"} 1',
    'store_feed_lag{zone="east"} 0',
    'leader{zone="east"} 1',
    'xds_streams_active{zone="east"} 3',
    'xds_push_queue{zone="east"} 5',
    'policies_held_back{zone="east"} 1',
    'xds_refused_updates_total{type="listener",zone="east"} 2',
    'resources_count{resource_type="MeshTimeout",zone="east"} 2',
    'kuma_cp_log_lines_total{logger="a",level="warn",zone="east"} 1',
  ]) {
    assert.ok(text.includes(line), line);
  }
  for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'nodejs_heap_size_used_bytes'])
    assert.match(text, new RegExp(`^${name}{zone="east"} [1-9]`, 'm'));
});

test('the server answers over a socket, refuses large bodies and stops', async () => {
  const settings = defaultSettings({ 'diagnostics.serverPort': 0 }).diagnostics;
  const server = createDiagnosticsServer({
    settings,
    sources: sourcesWith(),
    certificate: async () => assert.fail('no certificate is needed without TLS'),
  });
  await server.start();
  const url = `http://127.0.0.1:${server.port}`;
  assert.equal((await fetch(`${url}/ready`)).status, 200);
  assert.equal((await fetch(`${url}/logging`, { method: 'PUT', body: 'x'.repeat(10_000) })).status, 413);
  const taken = createDiagnosticsServer({
    settings: { ...settings, serverPort: server.port ?? 0 },
    sources: sourcesWith(),
    certificate: async () => assert.fail('no certificate is needed without TLS'),
  });
  await assert.rejects(
    taken.start(),
    (error: unknown) => error instanceof MeshError && error.message.includes('KUMA_DIAGNOSTICS_SERVER_PORT'),
  );
  await server.stop();
  await assert.rejects(fetch(`${url}/ready`));
});

test('over TLS it shows a renewed certificate to whoever comes next, sends slow clients away, and ends with connections open', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-diagnostics-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [first, second] = await Promise.all(
    ['first', 'second'].map((name) => openServerCertificate(join(folder, name))),
  );
  assert.ok(first !== undefined && second !== undefined);
  const followers = new Set<(pair: CertificatePair) => void>();
  const certificate: ServedCertificate = {
    current: () => first,
    follow(onRenewal) {
      followers.add(onRenewal);
      return { stop: () => void followers.delete(onRenewal) };
    },
  };
  const settings = { 'diagnostics.serverPort': 0, 'diagnostics.tlsEnabled': true };
  const server = createDiagnosticsServer({
    settings: defaultSettings(settings).diagnostics,
    sources: sourcesWith(),
    certificate: async () => certificate,
  });
  await server.start();
  const open = async () => {
    const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return { socket, shown: socket.getPeerX509Certificate()?.toString().trim() };
  };
  const answer = async (socket: TLSSocket, request: string): Promise<string> => {
    socket.write(request);
    const [bytes] = await once(socket, 'data');
    return String(bytes);
  };
  const before = await open();
  assert.equal(before.shown, first.certificate.trim());
  for (const renew of followers) renew(second);
  const after = await open();
  assert.equal(after.shown, second.certificate.trim());
  for (const { socket } of [before, after])
    assert.match(await answer(socket, 'GET /ready HTTP/1.1\r\nhost: here\r\n\r\n'), /^HTTP\/1\.1 200 /);
  assert.match(await answer((await open()).socket, 'GET /ready HTTP/1.1\r\n'), /^HTTP\/1\.1 408 /);
  const closed = Promise.all([before, after].map(({ socket }) => once(socket, 'close')));
  await server.stop();
  await closed;
  assert.equal(followers.size, 0);
});
