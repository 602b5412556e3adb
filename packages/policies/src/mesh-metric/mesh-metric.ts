// MeshMetric: which metrics of a proxy and of the applications behind it are shown, where, and to whom.
import { defineProxyPolicy } from '@ursa/policy';
import { collectorRefs, collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';
import { checkMetrics } from './check-metric.ts';
import { collectorOf, collectorResources } from './collector.ts';
import { type MetricConf, metricConf } from './metric-conf.ts';
import { metricsDocument } from './metrics-document.ts';
import { prometheusResources } from './prometheus.ts';

/** The policy. */
export const meshMetric = defineProxyPolicy({
  name: 'MeshMetric',
  shortName: 'mm',
  summary: 'Says which metrics are shown, where and to whom.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf: metricConf,
  status: collectorStatus,
  collectorRefs,
  signal: 'metrics',
  gatewayListenerTags: true,
  checkConf: checkMetrics,
  warn: (spec: { readonly default?: MetricConf }) => warnAboutEndpoints(spec.default?.backends ?? []),
  apply: {
    proxy(place, conf) {
      const { backends = [] } = conf;
      if (backends.length === 0) return {};
      const prometheus = backends.flatMap((backend) =>
        backend.type === 'Prometheus' && backend.prometheus ? [prometheusResources(backend.prometheus, place)] : [],
      );
      const collectors = backends.flatMap((backend) => collectorOf(backend, place) ?? []);
      const served = collectors.map((collector) => collectorResources(collector, place));
      return {
        clusters: [...prometheus, ...served].flatMap(({ clusters = [] }) => clusters),
        listeners: [...prometheus, ...served].flatMap(({ listeners = [] }) => listeners),
        documents: [metricsDocument(conf, collectors, place)],
        warnings: prometheus.flatMap(({ warnings = [] }) => warnings),
      };
    },
  },
});
