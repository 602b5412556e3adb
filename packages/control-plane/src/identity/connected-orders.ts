// Turns a derivation of "what certificate should this be" into orders, for what every connected proxy may have and nothing else.
import { type Derivation, type Followable, type Graph, type Watch, watchEach } from '@ursa/collections';
import type { Issuing } from './issuing.ts';

/** What should be issued under a key; `'later'`: something that nobody can make now, so that what is there stays; undefined: nothing. */
export type Wanted<Order> = Order | 'later' | undefined;

/** What orders are made for. */
export interface Orders<Order extends object> {
  /** Connected proxies. */
  readonly proxies: Followable;
  /** Keys of what a proxy may have. No two proxies have one in common. */
  readonly keysOf: Derivation<readonly [proxyKey: string], readonly string[]>;
  readonly orderOf: Derivation<readonly [key: string], Wanted<Order>>;
  readonly issuing: Issuing<Order>;
  readonly onGone: (key: string) => void;
}

const nothing: readonly string[] = [];

/** Keeps `issuing` informed of the orders of all connected proxies until it is stopped. */
export function orderForConnected<Order extends object>(
  graph: Graph,
  { proxies, keysOf, orderOf, issuing, onGone }: Orders<Order>,
): { stop(): void } {
  const watches = new Map<string, Watch<Wanted<Order>>>();
  const place = (key: string, wanted: Wanted<Order>): void => {
    issuing.order(key, wanted === 'later' ? undefined : wanted);
    if (wanted === undefined) onGone(key);
  };
  const follow = (before: readonly string[], after: readonly string[]): void => {
    for (const key of before) {
      if (after.includes(key)) continue;
      watches.get(key)?.stop();
      watches.delete(key);
      place(key, undefined);
    }
    for (const key of after) {
      if (before.includes(key)) continue;
      const watch = graph.watch(orderOf, [key], (wanted) => place(key, wanted));
      watches.set(key, watch);
      if (watch.value !== undefined) place(key, watch.value);
    }
  };
  const connections = watchEach(graph, proxies, keysOf, {
    onValue: (_, keys, before = nothing) => follow(before, keys),
    onGone: (_, keys) => follow(keys, nothing),
  });
  return {
    stop() {
      connections.stop();
      for (const watch of watches.values()) watch.stop();
      watches.clear();
    },
  };
}
