// The built-in policies. A new one takes a folder and a line in this list.
import type { ProxyPolicy } from '@ursa/policy';
import type { ResourceType } from '@ursa/resources';
import { meshCircuitBreaker } from './mesh-circuit-breaker/mesh-circuit-breaker.ts';
import { meshRetry } from './mesh-retry/mesh-retry.ts';
import { meshTimeout } from './mesh-timeout/mesh-timeout.ts';
import { meshTrafficPermission } from './mesh-traffic-permission/mesh-traffic-permission.ts';

/** All built-in policies, in the order in which they shape a proxy. */
export const builtinPolicies: readonly ProxyPolicy[] = [
  meshTimeout,
  meshTrafficPermission,
  meshCircuitBreaker,
  meshRetry,
];

/** Their resource types. */
export const policyResourceTypes: readonly ResourceType[] = builtinPolicies.map((policy) => policy.resourceType);
