// The store of `KUMA_STORE_TYPE=memory`: everything is lost when the process ends.
import { openSerialStore, type StoreOptions } from './serial-store.ts';
import type { Store } from './store.ts';

/** An empty store that lives in memory. */
export function openMemoryStore(options: StoreOptions = {}): Store {
  return openSerialStore(undefined, options);
}
