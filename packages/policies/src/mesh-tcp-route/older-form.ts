// TrafficRoute, the older form, as far as it says where connections go. What it says of HTTP requests means nothing to them.
import type { OlderTcpRouting } from '@ursa/policy';
import { type OlderRouteConf, olderBackends, olderRouteType } from '../conf/older-route.ts';

/** The form. */
export const trafficRouteOfConnections: OlderTcpRouting = {
  type: olderRouteType,
  backendsOf: (conf, called) => olderBackends(conf as OlderRouteConf, called),
};
