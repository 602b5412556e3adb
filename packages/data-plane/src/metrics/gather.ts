// Gathers the metrics of a proxy: Envoy's own, filtered, and those of the applications behind it, all at once and each in bounded time.

import { type Family, parsePrometheus } from '@ursa/telemetry';
import type { AdminAddress } from '../envoy/admin.ts';
import { type HttpTarget, httpGet } from '../http/get.ts';
import { joinClusters } from './join-clusters.ts';
import type { MetricsConfig, ScrapedApplication } from './metrics-config.ts';
import { profileFilter } from './profiles.ts';

/** Where metrics are found. */
export interface MetricsSources {
  readonly admin: AdminAddress;
  /** The proxy's own address, where applications are looked for that name none. */
  readonly address: string;
}

/** What was found. */
export interface Gathered {
  readonly families: readonly Family[];
  /** Who did not answer, and why. */
  readonly failures: readonly string[];
}

// Prometheus gives up after ten seconds by default: who is slower must not take the others' metrics along.
const limits = { within: 5000, size: 16 << 20 };
const accept = 'text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1';

/** A way to gather by a configuration. */
export function createGatherer({ sidecar, applications }: MetricsConfig, sources: MetricsSources) {
  const filter = profileFilter(sidecar);
  const envoyPath = `/stats/prometheus${sidecar.includeUnused === true ? '' : '?usedonly'}`;

  const envoy = async (): Promise<readonly Family[]> => {
    const { status, body } = await httpGet(sources.admin, envoyPath, limits);
    if (status !== 200) throw new Error(`it answers ${status}`);
    return filter(parsePrometheus(body)).map(joinClusters);
  };
  const application = async (wanted: ScrapedApplication): Promise<readonly Family[]> => {
    const { status, body, contentType } = await firstAnswer(targetsOf(wanted, sources), wanted.path);
    if (status !== 200) throw new Error(`it answers ${status}`);
    return parsePrometheus(body, contentType.includes('openmetrics'));
  };

  return async (): Promise<Gathered> => {
    const parts = [
      { name: 'Envoy', families: envoy() },
      ...applications.map((wanted) => ({ name: nameOf(wanted), families: application(wanted) })),
    ];
    const results = await Promise.allSettled(parts.map(({ families }) => families));
    const failures = results.flatMap((result, index) =>
      result.status === 'rejected' ? [`${parts[index]?.name}: ${(result.reason as Error).message}`] : [],
    );
    const found = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const up = results.slice(1).map(({ status }) => status === 'fulfilled');
    return { families: joinFamilies([...found, ...upFamily(applications, up)]), failures };
  };
}

function nameOf({ name, port, path }: ScrapedApplication): string {
  return name === '' ? `application on port ${port}, ${path}` : `application ${name}`;
}

// On its own host an application may listen on the proxy's address or on the loopback.
function targetsOf({ address, port }: ScrapedApplication, sources: MetricsSources): HttpTarget[] {
  const hosts = address === '' ? [sources.address, '127.0.0.1'] : [address];
  return [...new Set(hosts.filter((host) => host !== ''))].map((host) => ({ host, port }));
}

async function firstAnswer(targets: readonly HttpTarget[], path: string) {
  const [first = {}, second] = targets;
  try {
    return await httpGet(first, path, limits, { accept });
  } catch (cause) {
    const refused = (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (second === undefined || !refused) throw cause;
    return await httpGet(second, path, limits, { accept });
  }
}

/** Whether each application answered, as a metric: what is missing can be alerted on. */
function upFamily(applications: readonly ScrapedApplication[], up: readonly boolean[]): Family[] {
  if (applications.length === 0) return [];
  const name = 'kuma_dp_metrics_application_up';
  const samples = applications.map((wanted, index) => ({
    name,
    labels: [
      ['name', wanted.name],
      ['port', String(wanted.port)],
      ['path', wanted.path],
    ] as const,
    value: up[index] === true ? '1' : '0',
  }));
  return [{ name, type: 'gauge', help: '1 when the application answered the last time.', samples }];
}

/** A family stands once in an answer, and each of its series: where two applications have the same one, the first is shown. */
function joinFamilies(families: readonly Family[]): Family[] {
  const joined = new Map<string, Family>();
  const series = new Set<string>();
  for (const family of families) {
    const known = joined.get(family.name) ?? { ...family, samples: [] };
    joined.set(family.name, known);
    for (const sample of family.samples) {
      const key = `${sample.name}\0${sample.labels.flat().join('\0')}`;
      if (series.has(key)) continue;
      series.add(key);
      known.samples.push(sample);
    }
  }
  return [...joined.values()];
}
