// The built-in policies. A new one takes a folder and a line in this list.
import type { ProxyPolicy } from '@ursa/policy';
import type { ResourceType } from '@ursa/resources';
import { meshAccessLog } from './mesh-access-log/mesh-access-log.ts';
import { meshCircuitBreaker } from './mesh-circuit-breaker/mesh-circuit-breaker.ts';
import { meshFaultInjection } from './mesh-fault-injection/mesh-fault-injection.ts';
import { meshHealthCheck } from './mesh-health-check/mesh-health-check.ts';
import { meshHttpRoute } from './mesh-http-route/mesh-http-route.ts';
import { meshLoadBalancingStrategy } from './mesh-load-balancing-strategy/mesh-load-balancing-strategy.ts';
import { meshMetric } from './mesh-metric/mesh-metric.ts';
import { meshPassthrough } from './mesh-passthrough/mesh-passthrough.ts';
import { meshProxyPatch } from './mesh-proxy-patch/mesh-proxy-patch.ts';
import { meshRateLimit } from './mesh-rate-limit/mesh-rate-limit.ts';
import { meshRetry } from './mesh-retry/mesh-retry.ts';
import { meshTcpRoute } from './mesh-tcp-route/mesh-tcp-route.ts';
import { meshTimeout } from './mesh-timeout/mesh-timeout.ts';
import { meshTls } from './mesh-tls/mesh-tls.ts';
import { meshTrace } from './mesh-trace/mesh-trace.ts';
import { meshTrafficPermission } from './mesh-traffic-permission/mesh-traffic-permission.ts';

/** All built-in policies, in the order in which they shape a proxy (reference s12). */
export const builtinPolicies: readonly ProxyPolicy[] = [
  meshHttpRoute,
  meshTcpRoute,
  meshTls,
  meshLoadBalancingStrategy,
  meshPassthrough,
  meshAccessLog,
  meshTrace,
  meshFaultInjection,
  meshRateLimit,
  meshTimeout,
  meshTrafficPermission,
  meshHealthCheck,
  meshCircuitBreaker,
  meshRetry,
  meshMetric,
  meshProxyPatch,
];

/** Their resource types. */
export const policyResourceTypes: readonly ResourceType[] = builtinPolicies.map((policy) => policy.resourceType);
