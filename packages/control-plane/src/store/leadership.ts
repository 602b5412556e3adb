// Which of several control planes over one store does the work that only one may do: generators, insights, cleaning up.
import { MeshError } from '@ursa/resources';
import type { Fence, Store } from './store.ts';

/** Whether this instance leads, now and when that changes. */
export interface Leadership {
  /** True only while no other instance can lead. Asked before each piece of work that only one may do. */
  leads(): boolean;
  /** What makes a write valid only while this instance leads; undefined where nobody else can, or while it does not. */
  fence(): Fence | undefined;
  /** Calls back with each change, and once with the present state. */
  onChange(listener: (leads: boolean) => void): { stop(): void };
}

/** The leadership of a control plane that has its store for itself. */
export const soleLeadership: Leadership = {
  leads: () => true,
  fence: () => undefined,
  onChange(listener) {
    listener(true);
    return { stop: () => {} };
  },
};

/** The store as the leader writes to it: `MeshError('unavailable')` when this instance does not lead, by its own clock or by the store's. */
export function storeOfLeader(store: Store, leadership: Leadership): Store {
  return {
    ...store,
    async write(writes) {
      if (!leadership.leads()) throw new MeshError('unavailable', 'this instance leads no more: another one does this');
      return await store.write(writes, leadership.fence());
    },
  };
}
