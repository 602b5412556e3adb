// MeshHealthCheck: clients' proxies ask every instance of a destination whether it is well.
import { defineProxyPolicy } from '@ursa/policy';
import { checkHealthCheck } from './check-health-check.ts';
import { type HealthCheckConf, healthCheckConf } from './health-check-conf.ts';
import { healthChecker } from './health-checker.ts';
import { boundPanic, checkInstances } from './shape-cluster.ts';

/** The policy. */
export const meshHealthCheck = defineProxyPolicy({
  name: 'MeshHealthCheck',
  shortName: 'mhc',
  summary: 'Asks instances whether they are well and leaves out those that are not.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset'],
  to: ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService'],
  listsRequired: false,
  conf: healthCheckConf,
  gatewayListenerTags: true,
  checkConf: checkHealthCheck,
  warn: ({ to = [] }: { readonly to?: readonly { readonly default?: HealthCheckConf }[] }) =>
    to.some((entry) => entry.default?.healthyPanicThreshold !== undefined)
      ? [
          "healthyPanicThreshold for 'to[].default' is deprecated. The setting has been moved to MeshCircuitBreaker policy, please use MeshCircuitBreaker policy instead.",
        ]
      : [],
  readsTags: true,
  onEgress: 'destinations',
  apply: {
    cluster({ proxy, protocol, cluster }, conf) {
      boundPanic(cluster, conf);
      const checker = healthChecker(conf, protocol, proxy.tags ?? {});
      if (checker !== undefined) checkInstances(cluster, conf, checker);
    },
  },
});
