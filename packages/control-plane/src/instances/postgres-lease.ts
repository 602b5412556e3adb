// The leader's lease as a row in PostgreSQL: taken and renewed by its clock. Who follows asks with a plain read until the lease has ended.
import { claimLeadership, isSameClaim, leaderClaimKey, storedClaim } from '../store/leadership.ts';
import type { Pool } from '../store/postgres/pool.ts';
import type { Store } from '../store/store.ts';
import type { Lease, LeaseState } from './election.ts';

/** What the lease is kept with. */
export interface PostgresLeaseOptions {
  readonly connections: Pick<Pool, 'use'>;
  readonly store: Store;
  readonly holder: string;
  /** Milliseconds. */
  readonly duration: number;
}

const look = `
select holder, term, greatest(0, extract(epoch from ends - clock_timestamp()) * 1000)::float8 as left from ursa.lease`;

// The row is locked before the time is looked at: of two that take it at once, the second sees what the first has written.
const take = `
insert into ursa.lease as lease (holder, term, ends) values($1, 1, clock_timestamp() + $2 * interval '1 millisecond')
on conflict (single) do update set
  holder = excluded.holder, ends = excluded.ends, term = lease.term + case when lease.holder = excluded.holder then 0 else 1 end
where lease.holder = excluded.holder or lease.ends <= clock_timestamp()
returning term`;

// An end in the past, so that it is free for whoever asks next, with the term it had.
const release = 'update ursa.lease set ends = clock_timestamp() where holder = $1';

/** The lease for one holder. */
export function postgresLease({ connections, store, holder, duration }: PostgresLeaseOptions): Lease {
  let isHeld = false;

  const readState = async (): Promise<LeaseState> => {
    const [row] = await connections.use((connection) => connection.query(look));
    return { held: false, left: Number(row?.left ?? 0) };
  };
  return {
    holder,
    duration,
    async take() {
      if (!isHeld) {
        const state = await readState();
        if (!state.held && state.left > 0) return state;
      }
      const [row] = await connections.use((connection) => connection.query(take, [holder, duration]));
      isHeld = row !== undefined;
      return row === undefined ? await readState() : { held: true, term: Number(row.term) };
    },
    async announce(claim) {
      await store.write((content) => claimLeadership(content, claim));
    },
    async release(claim) {
      isHeld = false;
      await connections.use((connection) => connection.query(release, [holder]));
      // Whoever follows the log is woken by it.
      await store.write((content) =>
        isSameClaim(storedClaim(content), claim)
          ? [{ kind: 'put', resource: { ...leaderClaimKey, labels: {}, spec: { holder: '', term: claim.term } } }]
          : [],
      );
    },
  };
}

/** Calls back whenever a leader has given its lease back. */
export function onLeaseReleased(store: Store, listener: () => void): { stop(): void } {
  return store.changes((changes) => {
    for (const { key, after } of changes) {
      if (key.type !== leaderClaimKey.type || key.name !== leaderClaimKey.name) continue;
      if ((after?.spec as { readonly holder?: string } | undefined)?.holder === '') listener();
    }
  });
}
