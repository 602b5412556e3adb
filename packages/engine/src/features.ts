// What proxies announce of themselves (reference s9), as far as their configuration depends on it.

/** Names of features in `ConnectedProxy.features`. */
export const features = {
  embeddedDns: 'feature-embedded-dns',
  transparentProxy: 'feature-transparent-proxy-in-dataplane-metadata',
  reusePort: 'feature-reuse-port',
  unifiedNaming: 'feature-unified-resource-naming',
  bindOutbounds: 'feature-bind-outbounds',
  strictInboundPorts: 'feature-strict-inbound-ports',
  /** Of our kuma-dp: IPv6 is redirected too, and virtual addresses have to be served in both families. */
  virtualIpv6: 'feature-virtual-ipv6',
} as const;

/** Extension that counts Kafka requests. Not in every build of Envoy. */
export const kafkaExtension = 'envoy.filters.network.kafka_broker';
