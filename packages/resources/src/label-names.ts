// The reserved label and tag names; see reference s7.

/** Labels with a meaning of their own. */
export const labelNames = {
  mesh: 'kuma.io/mesh',
  origin: 'kuma.io/origin',
  zone: 'kuma.io/zone',
  environment: 'kuma.io/env',
  displayName: 'kuma.io/display-name',
  namespace: 'k8s.kuma.io/namespace',
  policyRole: 'kuma.io/policy-role',
  proxyType: 'kuma.io/proxy-type',
  effect: 'kuma.io/effect',
  managedBy: 'kuma.io/managed-by',
  workload: 'kuma.io/workload',
  kdsSync: 'kuma.io/kds-sync',
  serviceAccount: 'k8s.kuma.io/service-account',
  listenerZoneIngress: 'kuma.io/listener-zoneingress',
  listenerZoneEgress: 'kuma.io/listener-zoneegress',
  /** Ports of the inbounds of a proxy that takes no traffic, with dots between. Only in Ursa. */
  withheldPorts: 'kuma.io/withheld-ports',
  /** Why, when it is not that the proxy starts or leaves: `lost`. Only in Ursa. */
  withheldBecause: 'kuma.io/withheld-because',
  deletionGracePeriodStartedAt: 'kuma.io/deletion-grace-period-started-at',
} as const;

/** Tags of inbounds and outbounds with a meaning of their own. */
export const tagNames = {
  service: 'kuma.io/service',
  protocol: 'kuma.io/protocol',
  zone: 'kuma.io/zone',
  instance: 'kuma.io/instance',
  externalServiceName: 'kuma.io/external-service-name',
} as const;
