// Proxies that have their bootstrap and have not said that they are ready. With several instances the store remembers them: a proxy may get its
// bootstrap from one, connect to another and announce itself to a third.
import type { ResourceKey } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store, StoreWrite } from '../store/store.ts';

/** Which proxy. */
export interface ProxyName {
  readonly mesh: string;
  readonly name: string;
}

/** The proxies that start. */
export interface StartingProxies {
  /** Errors: those of the store, where it remembers. */
  begin(proxy: ProxyName): Promise<void>;
  has(proxy: ProxyName): boolean;
  end(proxy: ProxyName): Promise<void>;
}

/** How long a proxy may take from its bootstrap to its registration; later it is taken for one that has connected anew. */
const patience = 10 * 60 * 1000;

/** Remembers them in this process. `now` in milliseconds, from any fixed moment. */
export function startingHere(now: () => number = Date.now): StartingProxies {
  /** Key to the time of the bootstrap, oldest first. */
  const starting = new Map<string, number>();
  const keyOf = ({ mesh, name }: ProxyName): string => `${mesh}/${name}`;
  return {
    async begin(proxy) {
      for (const [key, since] of starting) {
        if (now() - since < patience) break;
        starting.delete(key);
      }
      starting.delete(keyOf(proxy));
      starting.set(keyOf(proxy), now());
    },
    has: (proxy) => now() - (starting.get(keyOf(proxy)) ?? Number.NEGATIVE_INFINITY) < patience,
    async end(proxy) {
      starting.delete(keyOf(proxy));
    },
  };
}

/** A resource that the API does not serve. */
const startType = 'ProxyStart';

interface ProxyStart {
  /** RFC 3339. */
  readonly since: string;
}

/** Remembers them in the store. */
export function startingAnywhere(store: Store, live: LiveResources, now: () => number = Date.now): StartingProxies {
  const keyOf = ({ mesh, name }: ProxyName): ResourceKey => ({ type: startType, mesh, name });
  const isOver = (spec: unknown): boolean => now() - Date.parse((spec as ProxyStart).since) >= patience;
  const remove = (key: ResourceKey): StoreWrite => ({ kind: 'delete', key });
  return {
    async begin(proxy) {
      const since = new Date(now()).toISOString();
      const forgotten = live.list(startType).filter(({ spec }) => isOver(spec));
      await store.write((content) => [
        { kind: 'put', resource: { ...keyOf(proxy), labels: {}, spec: { since } satisfies ProxyStart } },
        ...forgotten
          .filter((start) => start.name !== proxy.name || start.mesh !== proxy.mesh)
          .filter((start) => content.get(start)?.version === start.version)
          .map(remove),
      ]);
    },
    has(proxy) {
      const start = live.get(keyOf(proxy));
      return start !== undefined && !isOver(start.spec);
    },
    async end(proxy) {
      const key = keyOf(proxy);
      await store.write((content) => (content.get(key) === undefined ? [] : [remove(key)]));
    },
  };
}
