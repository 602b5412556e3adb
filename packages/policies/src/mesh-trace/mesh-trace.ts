// MeshTrace: where proxies send the traces of requests, how many of them, and with which tags.
import { defineProxyPolicy } from '@ursa/policy';
import { collectorRefs, collectorStatus, warnAboutEndpoints } from '../conf/open-telemetry.ts';
import { checkTrace } from './check-trace.ts';
import { collectorCluster, collectorOf } from './collector.ts';
import { type TraceConf, traceConf } from './trace-conf.ts';
import { tracing } from './tracing.ts';

/** The policy. */
export const meshTrace = defineProxyPolicy({
  name: 'MeshTrace',
  shortName: 'mtr',
  summary: 'Sends traces of requests to a collector.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  conf: traceConf,
  status: collectorStatus,
  collectorRefs,
  signal: 'traces',
  checkConf: checkTrace,
  warn: (spec: { readonly default?: TraceConf }) => warnAboutEndpoints(spec.default?.backends ?? []),
  apply: {
    traffic(place, conf) {
      const collector = collectorOf(conf, place.proxy);
      if (collector === undefined) return;
      for (const { terminal } of place.chains) {
        if (terminal.kind === 'http') terminal.manager.tracing = tracing(collector, conf, place);
      }
    },
    proxy(place, conf) {
      const collector = collectorOf(conf, place.proxy);
      return collector === undefined ? {} : { clusters: [collectorCluster(collector, place)] };
    },
  },
});
