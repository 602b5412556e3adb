// Enters connected proxies where the engine and the issuers read them: all that come and go within one turn of the event loop at once,
// because whoever follows the set looks through it after every change.
import type { Graph, Source } from '@ursa/collections';
import type { ConnectedProxy } from '@ursa/engine';

/** The entries of connected proxies. */
export interface ProxyEntries {
  /** Enters a proxy soon, then calls back. A later call for the same key takes the place of an earlier one. */
  enter(key: string, proxy: ConnectedProxy, onEntered: () => void): void;
  /** Takes a proxy out soon, unless it is entered again before. */
  leave(key: string): void;
}

interface Entry {
  readonly proxy: ConnectedProxy;
  readonly onEntered: () => void;
}

// At most this many in one batch, so that a reconnect storm does not stop the event loop for long.
const batchLimit = 50;

/** Opens the entries over the source that holds them. `onError` gets what somebody who follows the set throws. */
export function openProxyEntries(
  graph: Graph,
  proxies: Source<ConnectedProxy>,
  onError: (error: unknown) => void,
): ProxyEntries {
  const waiting = new Map<string, Entry | undefined>();
  let scheduled = false;

  const apply = (): void => {
    scheduled = false;
    const batch = [...waiting].slice(0, batchLimit);
    try {
      graph.batch(() => {
        for (const [key, entry] of batch) {
          waiting.delete(key);
          if (entry === undefined) proxies.delete(key);
          else proxies.set(key, entry.proxy);
        }
      });
    } catch (error) {
      onError(error);
    }
    for (const [, entry] of batch) entry?.onEntered();
    if (waiting.size > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(apply);
  };

  return {
    enter(key, proxy, onEntered) {
      waiting.set(key, { proxy, onEntered });
      schedule();
    },
    leave(key) {
      waiting.set(key, undefined);
      schedule();
    },
  };
}
