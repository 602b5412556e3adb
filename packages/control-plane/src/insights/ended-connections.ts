// Ends in the insights what instances that are gone have left open, so that nobody is online who is connected nowhere. For the leader.
import type { Resource } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Instances } from '../instances/instances.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { disconnected, insightTypes, type ProxyInsight, type ProxySubscription } from './insight.ts';
import { openRetried, type Retried } from './retried.ts';

/** What ended connections are found with. */
export interface EndedConnectionsOptions {
  readonly store: Store;
  readonly live: LiveResources;
  readonly instances: Instances;
  readonly now?: () => Date;
  readonly log: { info(message: string, fields: Readonly<Record<string, unknown>>): void };
  readonly onError: (error: unknown) => void;
}

const writesAtOnce = 200;

/** The component; when started, connections to instances that do not live are over. Looks only when an instance goes. */
export function endedConnections(options: EndedConnectionsOptions): Component {
  const { store, live, instances, log, onError } = options;
  const now = options.now ?? (() => new Date());
  let watch: { stop(): void } | undefined;
  let work: Retried | undefined;

  const endAll = async (): Promise<void> => {
    const insights = Object.values(insightTypes).flatMap((type) =>
      live.list(type),
    ) as readonly Resource<ProxyInsight>[];
    const openAt = new Set(insights.flatMap(({ spec }) => spec.subscriptions.filter(isOpen).map(instanceOf)));
    if (openAt.size === 0) return;
    // Asked after the insights were looked at: an instance says that it lives before it takes connections.
    const living = await instances.living();
    const gone = new Set([...openAt].filter((id) => !living.has(id)));
    const ends = (subscription: ProxySubscription): boolean => gone.has(instanceOf(subscription));
    const time = now().toISOString();
    const end = (content: Pick<StoreContent, 'get'>, key: Resource): readonly StoreWrite[] => {
      const stored = content.get(key) as Resource<ProxyInsight> | undefined;
      if (stored === undefined) return [];
      const spec = disconnected(stored.spec, time, ends);
      const { type, mesh, name, labels } = stored;
      return spec === stored.spec ? [] : [{ kind: 'put', resource: { type, mesh, name, labels, spec } }];
    };
    const open = insights.filter((resource) => end(live, resource).length > 0);
    for (let start = 0; start < open.length; start += writesAtOnce) {
      const some = open.slice(start, start + writesAtOnce);
      await store.write((content) => some.flatMap((resource) => end(content, resource)));
    }
    if (open.length > 0)
      log.info('connections to instances that are gone have been ended', {
        proxies: open.length,
        instances: [...gone],
      });
  };

  return {
    name: 'ended-connections',
    async start() {
      await endAll();
      const started = openRetried(endAll, onError);
      work = started;
      watch = instances.onGone(started.wake);
    },
    async stop() {
      watch?.stop();
      await work?.stop();
    },
  };
}

const isOpen = ({ disconnectTime }: ProxySubscription): boolean => disconnectTime === undefined;
const instanceOf = ({ controlPlaneInstanceId }: ProxySubscription): string => controlPlaneInstanceId;
