// Deletes the insights of proxies whose resource is gone. For the leader: nobody else deletes insights.
import { formatResourceKey, type ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { insightTypes } from './insight.ts';
import { openRetried, type Retried } from './retried.ts';

/** What orphans are found with. */
export interface OrphanedInsightsOptions {
  readonly store: Store;
  readonly live: LiveResources;
  readonly onError: (error: unknown) => void;
}

const resourceTypes = new Map(Object.entries(insightTypes).map(([resource, insight]) => [insight, resource]));

/** The component; when started, no insight is without its resource. */
export function orphanedInsights({ store, live, onError }: OrphanedInsightsOptions): Component {
  const found = new Map<string, ResourceKey>();
  let feed: { stop(): void } | undefined;
  let work: Retried | undefined;

  const isOrphan = (content: Pick<StoreContent, 'get'>, { type, mesh, name }: ResourceKey): boolean =>
    content.get({ type, mesh, name }) !== undefined &&
    content.get({ type: resourceTypes.get(type) ?? '', mesh, name }) === undefined;
  const note = (insight: ResourceKey): void => {
    if (resourceTypes.has(insight.type) && isOrphan(live, insight)) found.set(formatResourceKey(insight), insight);
  };
  const remove = async (): Promise<void> => {
    const keys = [...found.values()];
    if (keys.length === 0) return;
    await store.write((content) =>
      keys.filter((key) => isOrphan(content, key)).map((key): StoreWrite => ({ kind: 'delete', key })),
    );
    for (const key of keys) found.delete(formatResourceKey(key));
  };

  return {
    name: 'orphaned-insights',
    async start() {
      for (const insight of [...resourceTypes.keys()].flatMap((type) => live.list(type))) note(insight);
      await remove();
      const started = openRetried(remove, onError);
      work = started;
      feed = store.changes((changes) => {
        for (const { key, after } of changes) {
          // The resource is gone; or another instance that did not know it has written the insight once more.
          note(after === undefined ? { ...key, type: insightTypes[key.type] ?? '' } : key);
        }
        if (found.size > 0) started.wake();
      });
    },
    async stop() {
      feed?.stop();
      await work?.stop();
      found.clear();
    },
  };
}
