// Which of several control planes over one store does the work that only one may do: generators, insights, cleaning up.
import { MeshError } from '@ursa/resources';
import type { Store, StoreContent, StoreWrite } from './store.ts';

/** Whether this instance leads, now and when that changes. */
export interface Leadership {
  /** True only while no other instance can lead. Asked before each piece of work that only one may do. */
  leads(): boolean;
  /** What the store must say for a write of the leader to be valid; undefined where nobody else can lead, or while this instance does not. */
  claim(): LeaderClaim | undefined;
  /** Calls back with each change, and once with the present state. */
  onChange(listener: (leads: boolean) => void): { stop(): void };
}

/** Who leads, as it stands in the store. A new leader writes it before it does anything else. */
export interface LeaderClaim {
  /** No two processes have the same. */
  readonly holder: string;
  /** Grows whenever the leadership goes to another holder. */
  readonly term: number;
}

/** Where the claim is kept: a resource that the API does not serve. */
export const leaderClaimKey = { type: 'Config', mesh: '', name: 'kuma-cp-leader' } as const;

/** The leadership of a control plane that has its store for itself. */
export const soleLeadership: Leadership = {
  leads: () => true,
  claim: () => undefined,
  onChange(listener) {
    listener(true);
    return { stop: () => {} };
  },
};

/** The claim that stands in the store. */
export function storedClaim(content: Pick<StoreContent, 'get'>): LeaderClaim | undefined {
  return content.get(leaderClaimKey)?.spec as LeaderClaim | undefined;
}

/** True when a claim is that of a leader. */
export function isSameClaim(one: LeaderClaim | undefined, other: LeaderClaim | undefined): boolean {
  return one !== undefined && one.holder === other?.holder && one.term === other.term;
}

/** The write of a claim. A claim of an older term does not replace a newer one: `MeshError('conflict')`. */
export function claimLeadership(content: Pick<StoreContent, 'get'>, claim: LeaderClaim): readonly StoreWrite[] {
  const stored = storedClaim(content);
  if (stored !== undefined && stored.term > claim.term)
    throw new MeshError('conflict', `another instance leads, in term ${stored.term}`);
  return [{ kind: 'put', resource: { ...leaderClaimKey, labels: {}, spec: claim } }];
}

/**
 * The store as the leader writes to it: `MeshError('unavailable')` when this instance does not lead, by its own clock or by what stands in the
 * store. A write is decided on everything that was written before it, so that a former leader, frozen before its write, finds the new one's claim.
 */
export function storeOfLeader(store: Store, leadership: Leadership): Store {
  return {
    ...store,
    async write(writes) {
      if (!leadership.leads()) throw new MeshError('unavailable', 'this instance leads no more: another one does this');
      const claim = leadership.claim();
      if (claim === undefined) return await store.write(writes);
      return await store.write((content) => {
        if (!isSameClaim(storedClaim(content), claim))
          throw new MeshError('unavailable', 'another instance leads by now: it does this');
        return typeof writes === 'function' ? writes(content) : writes;
      });
    },
  };
}
