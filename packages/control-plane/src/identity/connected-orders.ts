// Turns a derivation of "what certificate should this proxy have" into orders, for every connected proxy and no other.
import type { Collection, Derivation, Graph, Watch } from '@ursa/collections';
import type { Issuing, LeafOrder } from './issuing.ts';

/** Keeps `issuing` informed of the orders of all connected proxies until it is stopped. */
export function orderForConnected(
  graph: Graph,
  name: string,
  proxies: Pick<Collection<unknown>, 'keys'>,
  orderOf: Derivation<readonly [proxyKey: string], LeafOrder | undefined>,
  issuing: Issuing,
  onGone: (proxyKey: string) => void,
): { stop(): void } {
  const watches = new Map<string, Watch<LeafOrder | undefined>>();
  const connected = graph.derive(`${name}/connected`, () => proxies.keys());
  const follow = (keys: readonly string[]): void => {
    const present = new Set(keys);
    for (const [key, watch] of watches) {
      if (present.has(key)) continue;
      watch.stop();
      watches.delete(key);
      issuing.order(key, undefined);
      onGone(key);
    }
    for (const key of present) {
      if (watches.has(key)) continue;
      const place = (order: LeafOrder | undefined): void => {
        issuing.order(key, order);
        if (order === undefined) onGone(key);
      };
      const watch = graph.watch(orderOf, [key], place);
      watches.set(key, watch);
      if (watch.value !== undefined) issuing.order(key, watch.value);
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
