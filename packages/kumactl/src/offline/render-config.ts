// A configuration as protobuf JSON, by type and name.
import type { ProxyConfig } from '@ursa/engine';
import { resourceJson } from '@ursa/engine';

/** Resources of one type, or of all when it is ''. */
export function renderConfig({ resources }: ProxyConfig, only: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(resources)
      .filter(([type, named]) => (only === '' ? named.size > 0 : type === only))
      .map(([type, named]) => [
        type,
        Object.fromEntries([...named].map(([name, resource]) => [name, resourceJson(resource)])),
      ]),
  );
}
