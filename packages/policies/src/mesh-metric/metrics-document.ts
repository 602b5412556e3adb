// The document that tells kuma-dp which metrics to gather, and where to send them.
import type { DynamicDocument, ProxyPlace } from '@ursa/policy';
import { formatDuration, parseDuration, parseKri } from '@ursa/resources';
import type { MetricCollector } from './collector.ts';
import type { MetricConf } from './metric-conf.ts';

/** Path of the document, and of the metrics that kuma-dp gathers by it. */
export const documentPath = '/meshmetric';

const usualInterval = 60_000;

/** Writes the document. */
export function metricsDocument(
  { applications, sidecar, backends = [] }: MetricConf,
  collectors: readonly MetricCollector[],
  place: ProxyPlace,
): DynamicDocument {
  const scraped = backends.some(({ type }) => type === 'Prometheus') ? [{ type: 'Prometheus', name: null }] : [];
  const pushed = collectors.map(({ name, socket, refreshInterval, protocol, path }) => ({
    type: 'OpenTelemetry',
    name,
    openTelemetry: {
      endpoint: socket,
      refreshInterval: formatDuration(parseDuration(refreshInterval ?? '') ?? usualInterval),
      ...(protocol === 'http' ? { protocol, path } : {}),
    },
  }));
  const metrics = {
    applications:
      applications?.map(({ name, path = '/metrics/prometheus', port, address = '' }) => ({
        name,
        path,
        port,
        address,
      })) ?? null,
    backends: [...scraped, ...pushed],
    sidecar,
    // In order of their names: whoever reads the document knows it by a hash of its text.
    extraLabels: Object.fromEntries(
      Object.entries(extraLabels(place)).sort(([first], [second]) => (first < second ? -1 : 1)),
    ),
  };
  return { path: documentPath, body: JSON.stringify({ observability: { metrics } }) };
}

/** Labels that say whose metrics they are. Proxies with unified names say it of their workload, others by all their tags. */
function extraLabels({ proxy, self, tags, workload }: ProxyPlace): Readonly<Record<string, string>> {
  const owner = workload.kri === undefined ? '' : parseKri(workload.kri).name;
  return {
    ...(proxy.unifiedNaming ? {} : { ...tagLabels(tags), dataplane: self.name, service: self.service }),
    'kuma.proxy_role': 'sidecar',
    ...(owner === '' ? {} : { 'kuma.workload': owner }),
    mesh: proxy.mesh,
    ...(self.zone === '' ? {} : { zone: self.zone }),
  };
}

// Of a tag with several values one label has the first, another all of them: queries may ask for either.
function tagLabels(tags: ProxyPlace['tags']): Readonly<Record<string, string>> {
  const labels = Object.entries(tags).flatMap(([key, values]) => {
    const name = key.replaceAll(/[^a-zA-Z0-9_]/g, '_');
    return [
      [name, values[0] ?? ''],
      [`${name}s`, `,${values.join(',')},`],
    ];
  });
  return Object.fromEntries(labels);
}
