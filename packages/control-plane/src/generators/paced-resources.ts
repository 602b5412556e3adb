// The store's content as generators see it: a burst of changes arrives as one. A thousand proxies that connect within a second make generators look
// ten times, not a thousand times, and cost the graph of the proxies' configurations nothing.
import { createGraph } from '@ursa/collections';
import type { Clock } from '../identity/clock.ts';
import { type LiveResources, openLiveResources } from '../store/live-resources.ts';
import type { Store, StoreChange } from '../store/store.ts';

// Milliseconds between two deliveries. The first change after a quiet time is delivered at once.
const pace = 100;

/** Opens the content in a graph of its own; current but for the last `pace`. */
export function openPacedResources(store: Store, clock: Clock): LiveResources {
  let waiting: StoreChange[] = [];
  let timer: { stop(): void } | undefined;
  let nextDelivery = 0;
  const paced: Store = {
    ...store,
    changes(listener) {
      const deliver = (): void => {
        timer = undefined;
        nextDelivery = clock.now() + pace;
        listener(waiting.splice(0));
      };
      const feed = store.changes((changes) => {
        waiting = waiting.concat(changes);
        if (timer !== undefined) return;
        if (clock.now() >= nextDelivery) deliver();
        else timer = clock.at(nextDelivery, deliver);
      });
      return {
        stop() {
          feed.stop();
          timer?.stop();
        },
      };
    },
  };
  return openLiveResources(createGraph(), paced);
}
