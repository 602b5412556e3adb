// Turns a derivation of "what certificate should this proxy have" into orders, for every connected proxy and no other.
import type { Collection, Derivation, Graph, Watch } from '@ursa/collections';
import type { Issuing } from './issuing.ts';

/** What a proxy should have; `'later'`: one that nobody can make now, so that it keeps what it has; undefined: none. */
export type Wanted<Order> = Order | 'later' | undefined;

/** Keeps `issuing` informed of the orders of all connected proxies until it is stopped. */
export function orderForConnected<Order extends object>(
  graph: Graph,
  name: string,
  proxies: Pick<Collection<unknown>, 'keys'>,
  orderOf: Derivation<readonly [proxyKey: string], Wanted<Order>>,
  issuing: Issuing<Order>,
  onGone: (proxyKey: string) => void,
): { stop(): void } {
  const watches = new Map<string, Watch<Wanted<Order>>>();
  const connected = graph.derive(`${name}/connected`, () => proxies.keys());
  const place = (key: string, wanted: Wanted<Order>): void => {
    issuing.order(key, wanted === 'later' ? undefined : wanted);
    if (wanted === undefined) onGone(key);
  };
  const follow = (keys: readonly string[]): void => {
    const present = new Set(keys);
    for (const [key, watch] of watches) {
      if (present.has(key)) continue;
      watch.stop();
      watches.delete(key);
      place(key, undefined);
    }
    for (const key of present) {
      if (watches.has(key)) continue;
      const watch = graph.watch(orderOf, [key], (wanted) => place(key, wanted));
      watches.set(key, watch);
      if (watch.value !== undefined) place(key, watch.value);
    }
  };
  const connections = graph.watch(connected, [], follow);
  follow(connections.value);
  return {
    stop() {
      connections.stop();
      for (const watch of watches.values()) watch.stop();
      watches.clear();
    },
  };
}
