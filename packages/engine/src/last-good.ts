// The last configuration of each proxy that could be made. It is only looked at when the next one cannot: a policy that fails must not
// take a proxy's traffic down. Held weakly: what is remembered lives exactly as long as the proxy's configuration does.
import type { ResourceMaps } from './resource-set.ts';

/** Resources by proxy key. */
export interface LastGood {
  get(proxyKey: string): ResourceMaps | undefined;
  set(proxyKey: string, resources: ResourceMaps): void;
}

/** Remembers nothing yet. */
export function createLastGood(): LastGood {
  const known = new Map<string, WeakRef<ResourceMaps>>();
  const forgotten = new FinalizationRegistry<string>((proxyKey) => {
    if (known.get(proxyKey)?.deref() === undefined) known.delete(proxyKey);
  });
  return {
    get: (proxyKey) => known.get(proxyKey)?.deref(),
    set(proxyKey, resources) {
      if (known.get(proxyKey)?.deref() === resources) return;
      known.set(proxyKey, new WeakRef(resources));
      forgotten.register(resources, proxyKey);
    },
  };
}
