// Metrics that are measured where things happen: turns of the event loop, work of the graph, ends of certificates.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import type { IssuedIdentity, TrustBundle } from '@ursa/engine';
import { createMeter, type Meter } from '@ursa/telemetry';
import { certificateMetrics } from '../../src/diagnostics/certificate-metrics.ts';
import { instanceMetrics } from '../../src/diagnostics/component-metrics.ts';
import { eventLoopProbe } from '../../src/diagnostics/event-loop.ts';
import { graphMetrics } from '../../src/diagnostics/graph-metrics.ts';
import { openServerCertificate } from '../../src/identity/server-certificate.ts';

function assertLines(meter: Meter, ...lines: readonly string[]): void {
  const text = meter.text();
  for (const line of lines) assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
}
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('a turn in which there is work is measured once, and its length is told for a minute', async () => {
  const meter = createMeter();
  const clock = { time: 1000 };
  const probe = eventLoopProbe(meter, () => clock.time);
  probe.mark();
  clock.time += 30;
  probe.mark();
  await nextTurn();
  assertLines(
    meter,
    'event_loop_lag_seconds_count 1',
    'event_loop_lag_seconds_sum 0.03',
    'event_loop_lag_max_seconds 0.03',
  );
  await nextTurn();
  assertLines(meter, 'event_loop_lag_seconds_count 1');
  clock.time += 61_000;
  assertLines(meter, 'event_loop_lag_max_seconds 0.03');
  clock.time += 61_000;
  assertLines(meter, 'event_loop_lag_max_seconds 0');
});

test('work of the graph is told by batch, and by configuration of a proxy', () => {
  const meter = createMeter();
  const batches: number[] = [];
  const observer = graphMetrics({
    meter,
    isConfiguration: (name) => name === 'config',
    proxyType: () => 'ingress',
    onBatch: (_started, _milliseconds, recomputed) => batches.push(recomputed),
  });
  const graph = createGraph({ observer, onError: (_error, where) => observer.failed(where) });
  const source = graph.source<number>('numbers');
  const half = graph.derive('half', () => Math.floor((source.get('a') ?? 0) / 2));
  const config = graph.derive('config', (key: string) => {
    if (half.get() === 5) throw new Error('no');
    return `${key} ${half.get()}`;
  });
  graph.watch(config, ['default/web'], () => undefined);
  graph.watch(half, [], () => undefined);
  source.set('a', 2);
  source.set('a', 3);
  source.set('a', 10);
  assert.deepEqual(batches, [2, 1, 2]);
  assertLines(
    meter,
    'xds_generation_count{proxy_type="ingress",result="changed"} 3',
    'xds_generation_count{proxy_type="ingress",result="no_changes"} 1',
    'xds_generation_errors 1',
    'graph_batch_recomputed_count 3',
    'graph_batch_recomputed_sum 5',
    'graph_batch_seconds_count 3',
  );
});

test('heartbeats are timed, and those that fail are counted apart', () => {
  const meter = createMeter();
  const { heartbeat, swept } = instanceMetrics(meter);
  heartbeat(3);
  heartbeat('failed');
  swept(7);
  assertLines(
    meter,
    'component_heartbeat_count 1',
    'component_heartbeat_sum 3',
    'component_heartbeat_failures 1',
    'component_dp_gc_sum 7',
  );
});

test('the first certificate to end is told for each mesh and backend, and the first authority for each mesh', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-certificates-'));
  const meter = createMeter();
  const graph = createGraph();
  const identities = graph.source<IssuedIdentity>('identities');
  const trust = graph.source<TrustBundle>('trust');
  const now = Date.parse('2030-01-01T00:00:00Z');
  const identity = (backend: string, hours: number): IssuedIdentity => ({
    certificateChain: '',
    privateKey: '',
    backend,
    notAfter: new Date(now + hours * 3_600_000).toISOString(),
  });
  identities.set('default/web-1', identity('ca-1', 2));
  identities.set('default/web-2', identity('ca-1', 1));
  identities.set('default/old', identity('ca-0', 0.5));
  identities.set('other/web', identity('ca-1', 24));
  certificateMetrics(meter, {
    findings: () => new Map([['default/web', { reason: 'Stale' }]]),
    states: () => [{ authority: 'default/ca-1', failing: ['default/web'], isOpen: true }],
    identities,
    trust,
    now: () => now,
  });
  assertLines(
    meter,
    'certificate_expiry_seconds{mesh="default",backend="ca-1"} 3600',
    'certificate_expiry_seconds{mesh="default",backend="ca-0"} 1800',
    'certificate_expiry_seconds{mesh="other",backend="ca-1"} 86400',
    'certificate_findings{mesh="default",reason="Stale"} 1',
    'cert_generation_backoff{mesh="default",backend="ca-1"} 1',
    'cert_generation_circuit_open{mesh="default",backend="ca-1"} 1',
  );
  const { certificate } = await openServerCertificate(folder);
  trust.set('default', { certificates: `${certificate}\n`, backends: ['ca-1'] });
  rmSync(folder, { recursive: true });
  assert.match(meter.text(), /^authority_expiry_seconds\{mesh="default"\} [1-9]/m);
});
