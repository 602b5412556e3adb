// The peer's recorded metrics: joined, filtered, and as OpenTelemetry has them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  formatPrometheus,
  type Label,
  type OtlpMetric,
  otlpMetrics,
  parsePrometheus,
  type ScopeMetrics,
} from '@ursa/telemetry';
import { parse } from 'yaml';
import { joinClusters } from '../../src/metrics/join-clusters.ts';
import type { SidecarMetrics } from '../../src/metrics/metrics-config.ts';
import { profileFilter } from '../../src/metrics/profiles.ts';

interface GoldenCase {
  readonly id: string;
  readonly input: string;
  readonly expected: string;
  readonly meshMetricSpec?: string;
}

function goldenSet(name: string, run: (input: string, expected: string, spec: string) => void): void {
  const folder = join(import.meta.dirname, '../../../../../shared/conformance/golden', name);
  if (!existsSync(folder)) {
    test(name, { skip: 'conformance data is not beside the repository' }); // because the clone of a user has no recorded behaviour beside it
    return;
  }
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const { cases } = JSON.parse(read('cases.json')) as { cases: readonly GoldenCase[] };
  for (const { id, input, expected, meshMetricSpec } of cases) {
    test(`${name}: ${id}`, () => run(read(input), read(expected), meshMetricSpec ? read(meshMetricSpec) : ''));
  }
}

const lines = (text: string) => text.split('\n').filter(Boolean).sort();

goldenSet('dp-metrics-merge', (input, expected) => {
  assert.deepEqual(lines(formatPrometheus(parsePrometheus(input).map(joinClusters))), lines(expected));
});

goldenSet('dp-metrics-profiles', (input, expected, spec) => {
  const { sidecar = {} } = (parse(spec) as { default: { sidecar?: SidecarMetrics } }).default;
  assert.deepEqual(lines(formatPrometheus(profileFilter(sidecar)(parsePrometheus(input)))), lines(expected));
});

goldenSet('dp-metrics-otel', (input, expected) => {
  const time = BigInt(Date.UTC(2024, 0, 1, 1, 1, 1)) * 1_000_000n + 1n;
  const facts = { version: '0.0.0', extraLabels: { extraLabel: 'test-label' }, time };
  assert.deepEqual(otlpMetrics(parsePrometheus(input), facts).map(printed), JSON.parse(expected));
});

// The shape in which the peer's tests print them.
function printed({ scope, metrics }: ScopeMetrics) {
  const attributes = scope.attributes.length === 0 ? null : printedAttributes(scope.attributes);
  return {
    scope: { Name: scope.name, Version: scope.version, SchemaURL: scope.schemaUrl, Attributes: attributes },
    metrics: metrics.map(({ name, description, data }) => ({
      Name: name,
      Description: description,
      Unit: '',
      Data: printedData(data),
    })),
  };
}

function printedAttributes(attributes: readonly Label[]) {
  return attributes.map(([Key, Value]) => ({ Key, Value: { Type: 'STRING', Value } }));
}

function printedData(data: OtlpMetric['data']) {
  const common = ({ attributes, time }: { readonly attributes: readonly Label[]; readonly time: bigint }) => ({
    Attributes: printedAttributes(attributes),
    StartTime: '0001-01-01T00:00:00Z',
    Time: new Date(Number(time / 1_000_000n)).toISOString().replace('.000Z', '.000000001Z'),
  });
  if (data.kind === 'histogram') {
    const points = data.points.map((point) => ({
      ...common(point),
      Count: point.count,
      Bounds: point.bounds,
      BucketCounts: point.counts,
      Min: null,
      Max: null,
      Sum: point.sum,
    }));
    return { Temporality: 'CumulativeTemporality', DataPoints: points };
  }
  const points = data.points.map((point) => ({ ...common(point), Value: point.value }));
  return data.kind === 'gauge'
    ? { DataPoints: points }
    : { Temporality: 'CumulativeTemporality', IsMonotonic: true, DataPoints: points };
}
