// Would the rules take away the way into the host? A redirected SSH port answers only while Envoy runs and lets it pass.
import type { TransparentProxyConfig } from './config-fields.ts';

/** Ports among those of SSH servers that would be redirected. */
export function redirectedSshPorts(config: TransparentProxyConfig, sshPorts: readonly number[]): readonly number[] {
  if (!config.inboundEnabled) return [];
  const { inboundIncludePorts: included, inboundExcludePorts: excluded } = config;
  return sshPorts.filter((port) => (included.length > 0 ? included.includes(port) : !excluded.includes(port)));
}
