// The body of `_config`: what Envoy of one proxy is configured with, by type and name. Keys and certificates are left out.

import type { ProxyConfig } from '@ursa/engine';
import { type EnvoyType, resourceJson, typeUrls } from '@ursa/envoy';

const shownTypes: readonly EnvoyType[] = ['cluster', 'endpoint', 'listener', 'route'];

/** `{xds: {<type URL>: {<name>: <resource>}}}`, types without resources left out. */
export function formatConfig(config: ProxyConfig): Readonly<Record<string, unknown>> {
  const byType = shownTypes.flatMap((type) => {
    const resources = config.resources[type];
    if (resources.size === 0) return [];
    const names = [...resources.keys()].sort();
    const shown = names.map((name) => {
      const resource = resources.get(name);
      return [name, resource === undefined ? null : resourceJson(resource)] as const;
    });
    return [[typeUrls[type], Object.fromEntries(shown)] as const];
  });
  return { xds: Object.fromEntries(byType) };
}
