// Every resource type that is not a `targetRef` policy (those bring themselves, see packages/policies).
import { circuitBreaker } from './legacy/circuit-breaker.ts';
import { faultInjection } from './legacy/fault-injection.ts';
import { healthCheck } from './legacy/health-check.ts';
import { meshGatewayRoute } from './legacy/mesh-gateway-route.ts';
import { proxyTemplate } from './legacy/proxy-template.ts';
import { rateLimit } from './legacy/rate-limit.ts';
import { retry } from './legacy/retry.ts';
import { timeout } from './legacy/timeout.ts';
import { trafficLog } from './legacy/traffic-log.ts';
import { trafficPermission } from './legacy/traffic-permission.ts';
import { trafficRoute } from './legacy/traffic-route.ts';
import { trafficTrace } from './legacy/traffic-trace.ts';
import { virtualOutbound } from './legacy/virtual-outbound.ts';
import type { ResourceType } from './resource-type.ts';
import { dataplane } from './types/dataplane.ts';
import { dataplaneInsight } from './types/dataplane-insight.ts';
import { externalService } from './types/external-service.ts';
import { hostnameGenerator } from './types/hostname-generator.ts';
import { mesh } from './types/mesh.ts';
import { meshExternalService } from './types/mesh-external-service.ts';
import { meshGateway } from './types/mesh-gateway.ts';
import { meshIdentity } from './types/mesh-identity.ts';
import { meshInsight, serviceInsight } from './types/mesh-insight.ts';
import { meshMultiZoneService } from './types/mesh-multi-zone-service.ts';
import { meshOpenTelemetryBackend } from './types/mesh-open-telemetry-backend.ts';
import { meshService } from './types/mesh-service.ts';
import { meshTrust } from './types/mesh-trust.ts';
import { meshZoneAddress } from './types/mesh-zone-address.ts';
import { globalSecret, secret } from './types/secret.ts';
import { workload } from './types/workload.ts';
import { zone } from './types/zone.ts';
import { zoneEgress } from './types/zone-egress.ts';
import { zoneIngress } from './types/zone-ingress.ts';
import { zoneEgressInsight, zoneIngressInsight, zoneInsight } from './types/zone-insight.ts';

/** All types but the `targetRef` policies, in alphabetical order. */
export const coreResourceTypes: readonly ResourceType[] = [
  circuitBreaker,
  dataplane,
  dataplaneInsight,
  externalService,
  faultInjection,
  globalSecret,
  healthCheck,
  hostnameGenerator,
  mesh,
  meshExternalService,
  meshGateway,
  meshGatewayRoute,
  meshIdentity,
  meshInsight,
  meshMultiZoneService,
  meshOpenTelemetryBackend,
  meshService,
  meshTrust,
  meshZoneAddress,
  proxyTemplate,
  rateLimit,
  retry,
  secret,
  serviceInsight,
  timeout,
  trafficLog,
  trafficPermission,
  trafficRoute,
  trafficTrace,
  virtualOutbound,
  workload,
  zone,
  zoneEgress,
  zoneEgressInsight,
  zoneIngress,
  zoneIngressInsight,
  zoneInsight,
];
