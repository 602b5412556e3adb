// MeshCircuitBreaker: how much a proxy may ask of a destination at once, and when it stops asking instances that fail.
import { defineProxyPolicy, inboundMatches } from '@ursa/policy';
import { checkCircuitBreaker } from './check-circuit-breaker.ts';
import { circuitBreakerConf } from './circuit-breaker-conf.ts';
import { initialCircuitBreaker } from './initial-circuit-breaker.ts';
import { detectOutliers, limitConnections } from './shape-cluster.ts';

const destinations = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService'] as const;

/** The policy. */
export const meshCircuitBreaker = defineProxyPolicy({
  name: 'MeshCircuitBreaker',
  shortName: 'mcb',
  summary: 'Limits connections and requests, and leaves out instances that fail.',
  initial: initialCircuitBreaker,
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: destinations,
  from: ['Mesh'],
  rules: inboundMatches,
  conf: circuitBreakerConf,
  gatewayListenerTags: true,
  checkConf: checkCircuitBreaker,
  onEgress: 'destinations',
  apply: {
    inbound({ cluster }, conf) {
      limitConnections(cluster, conf.connectionLimits);
      detectOutliers(cluster, conf.outlierDetection);
    },
    cluster({ cluster }, conf) {
      limitConnections(cluster, conf.connectionLimits);
      detectOutliers(cluster, conf.outlierDetection);
    },
  },
});
