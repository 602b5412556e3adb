// The built-in policies by name, in their order. Written by `node scripts/document.ts`: do not edit.

/** Name and short name of every built-in policy. */
export const policyNames: readonly (readonly [name: string, shortName: string])[] = [
  ['MeshHTTPRoute', 'mhttpr'],
  ['MeshTCPRoute', 'mtcpr'],
  ['MeshTLS', 'mtls'],
  ['MeshLoadBalancingStrategy', 'mlbs'],
  ['MeshPassthrough', 'mp'],
  ['MeshAccessLog', 'mal'],
  ['MeshTrace', 'mtr'],
  ['MeshFaultInjection', 'mfi'],
  ['MeshRateLimit', 'mrl'],
  ['MeshTimeout', 'mt'],
  ['MeshTrafficPermission', 'mtp'],
  ['MeshHealthCheck', 'mhc'],
  ['MeshCircuitBreaker', 'mcb'],
  ['MeshRetry', 'mr'],
  ['MeshMetric', 'mm'],
  ['MeshProxyPatch', 'mpp'],
];
