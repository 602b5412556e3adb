// Prometheus's families as OpenTelemetry has metrics: by scope, with attributes in place of labels (OpenTelemetry, "Prometheus and OpenMetrics
// compatibility"). Summaries become gauges by quantile with their sum and count beside them, as with the peers.
import { type Family, type Label, parseValue, type Sample } from '../prometheus-text.ts';

/** Who made metrics. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: readonly Label[];
}

/** A number at a time. */
export interface NumberPoint {
  readonly attributes: readonly Label[];
  readonly time: bigint;
  readonly value: number;
}

/** A distribution at a time; one more count than bounds. */
export interface HistogramPoint {
  readonly attributes: readonly Label[];
  readonly time: bigint;
  readonly count: number;
  readonly sum: number;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** One metric. Sums are cumulative and only grow. */
export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly data:
    | { readonly kind: 'gauge' | 'sum'; readonly points: readonly NumberPoint[] }
    | { readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] };
}

/** Metrics of one scope. */
export interface ScopeMetrics {
  readonly scope: Scope;
  readonly metrics: OtlpMetric[];
}

/** What all metrics of a delivery have. */
export interface DeliveryFacts {
  readonly version: string;
  readonly extraLabels: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970, for samples without a time of their own. */
  readonly time: bigint;
}

const scopePrefix = 'otel_scope_';

/** Families as metrics, by scope; those of no scope are Kuma's. Scopes and metrics are in the order of their names. */
export function otlpMetrics(families: readonly Family[], facts: DeliveryFacts): ScopeMetrics[] {
  const scopes = new Map<string, ScopeMetrics>();
  for (const family of families) {
    for (const [scope, samples] of byScope(family.samples, facts.version)) {
      const key = JSON.stringify(scope);
      const known = scopes.get(key) ?? { scope, metrics: [] };
      scopes.set(key, known);
      known.metrics.push(...metricsOf({ ...family, samples }, facts));
    }
  }
  const byName = <Named extends { readonly name: string }>(first: Named, second: Named): number =>
    first.name < second.name ? -1 : Number(first.name > second.name);
  return [...scopes.values()]
    .map(({ scope, metrics }) => ({ scope, metrics: metrics.sort(byName) }))
    .sort((first, second) => byName(first.scope, second.scope));
}

function byScope(samples: readonly Sample[], version: string): ReadonlyMap<Scope, Sample[]> {
  const scopes = new Map<string, [Scope, Sample[]]>();
  for (const sample of samples) {
    const scope = scopeOf(sample.labels, version);
    const key = JSON.stringify(scope);
    const known = scopes.get(key) ?? [scope, []];
    scopes.set(key, known);
    known[1].push({ ...sample, labels: sample.labels.filter(([name]) => !name.startsWith(scopePrefix)) });
  }
  return new Map(scopes.values());
}

function scopeOf(labels: readonly Label[], version: string): Scope {
  const scoped = labels.flatMap(([name, value]): Label[] =>
    name.startsWith(scopePrefix) ? [[name.slice(scopePrefix.length), value]] : [],
  );
  if (scoped.length === 0) return { name: 'kuma', version, schemaUrl: '', attributes: [] };
  const { name = '', version: own = '', schema_url = '' } = Object.fromEntries(scoped);
  const attributes = scoped.filter(([key]) => !['name', 'version', 'schema_url'].includes(key));
  return { name, version: own, schemaUrl: schema_url, attributes };
}

function metricsOf({ name, type, help, samples }: Family, facts: DeliveryFacts): OtlpMetric[] {
  const metric = (suffix: string, kind: 'gauge' | 'sum', points: readonly NumberPoint[]): OtlpMetric => ({
    name: `${name}${suffix}`,
    description: help,
    data: { kind, points },
  });
  if (type === 'histogram')
    return [{ name, description: help, data: { kind: 'histogram', points: histograms(name, samples, facts) } }];
  if (type === 'summary') {
    const groups = groupsOf(samples, 'quantile');
    const total = (suffix: string) =>
      groups.map((group) => {
        const found = group.find((sample) => sample.name === `${name}${suffix}`);
        return point(found ?? { ...first(group), value: '0' }, facts, 'quantile');
      });
    const quantiles = samples.filter((sample) => sample.name === name).map((sample) => point(sample, facts));
    return [
      metric('', 'gauge', quantiles),
      metric('_count', 'sum', total('_count')),
      metric('_sum', 'sum', total('_sum')),
    ];
  }
  const counted = samples.filter((sample) => !sample.name.endsWith('_created'));
  return [
    metric(
      '',
      type === 'counter' ? 'sum' : 'gauge',
      counted.map((sample) => point(sample, facts)),
    ),
  ];
}

function first(group: readonly Sample[]): Sample {
  return group[0] ?? { name: '', labels: [], value: '0' };
}

/** Samples that differ in one label only, or have it not at all. */
function groupsOf(samples: readonly Sample[], bound: string): Sample[][] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = JSON.stringify(sample.labels.filter(([name]) => name !== bound));
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(sample);
  }
  return [...groups.values()];
}

function point(sample: Sample, facts: DeliveryFacts, without?: string): NumberPoint {
  return { ...common(sample, facts, without), value: parseValue(sample.value) ?? 0 };
}

function common({ labels, timestamp }: Sample, { extraLabels, time }: DeliveryFacts, without?: string) {
  const all = new Map([...labels.filter(([name]) => name !== without), ...Object.entries(extraLabels)]);
  const attributes = [...all].sort(([one], [other]) => (one < other ? -1 : 1));
  return { attributes, time: timestamp === undefined ? time : BigInt(Math.round(timestamp)) * 1_000_000n };
}

function histograms(name: string, samples: readonly Sample[], facts: DeliveryFacts): HistogramPoint[] {
  return groupsOf(samples, 'le').map((group) => {
    const totalOf = (suffix: string) => Number(group.find((sample) => sample.name === `${name}${suffix}`)?.value ?? 0);
    const buckets = group
      .filter((sample) => sample.name === `${name}_bucket`)
      .map(({ labels, value }) => ({
        bound: parseValue(labels.find(([key]) => key === 'le')?.[1] ?? '') ?? Number.POSITIVE_INFINITY,
        count: Number(value),
      }))
      .sort((one, other) => one.bound - other.bound);
    return {
      ...common(first(group), facts, 'le'),
      count: totalOf('_count'),
      sum: totalOf('_sum'),
      bounds: buckets.map(({ bound }) => bound).filter(Number.isFinite),
      // Prometheus counts all smaller ones along.
      counts: buckets.map(({ count }, index) => Math.max(0, count - (buckets[index - 1]?.count ?? 0))),
    };
  });
}
