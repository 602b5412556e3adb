// Where reads of the log and of everything go: a share of them to the read replica, as long as it has what was already seen.
import type { Logger } from '../../log.ts';
import type { Sealer } from '../sealing/sealer.ts';
import { type LogPosition, readSnapshot, type Snapshot } from './change-log.ts';
import { type Connection, openConnection } from './connection.ts';
import { describeFailure } from './database-error.ts';
import type { PostgresOptions } from './options.ts';
import { openPool, type Pool, type PoolOptions } from './pool.ts';
import type { ReplicatedContent } from './replicated-content.ts';

/** The read replica of the settings. */
export interface Replica {
  readonly options: PostgresOptions;
  /** Percentage of reads that go there. */
  readonly ratio: number;
  readonly pool: Omit<PoolOptions, 'connect'>;
}

/** Reads that need not come from the primary. */
export interface Reads {
  /** Everything, at a moment that may lie a little in the past. */
  snapshot(primary: Connection): Promise<Snapshot>;
  /** Brings the copy to the revision. */
  catchUp(primary: Connection, replicated: ReplicatedContent, revision: number): Promise<void>;
  close(): void;
}

/** A failing replica is left alone for this long, in milliseconds. */
const penalty = 10_000;

/** Reads from the primary, and from the replica if there is one. */
export function openReads(replica: Replica | undefined, sealer: Sealer, log: Logger): Reads {
  const pool = replica && openReplicaPool(replica);
  let share = 0;
  let leftAloneUntil = 0;

  /** Spreads the share evenly: 30 % are the 4th, 7th and 10th of ten reads. */
  function takesReplica(): boolean {
    if (replica === undefined || performance.now() < leftAloneUntil) return false;
    share += replica.ratio;
    if (share < 100) return false;
    share -= 100;
    return true;
  }

  /** What the replica gives; undefined when the primary must be asked. */
  async function ask<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result | undefined> {
    if (pool === undefined || !takesReplica()) return undefined;
    try {
      return await pool.use(work);
    } catch (error) {
      leftAloneUntil = performance.now() + penalty;
      log.warn('the read replica does not answer, the primary is read instead', { reason: describeFailure(error) });
      return undefined;
    }
  }

  return {
    snapshot: async (primary) =>
      (await ask((connection) => readSnapshot(connection, sealer))) ?? (await readSnapshot(primary, sealer)),
    async catchUp(primary, replicated, revision) {
      const before: LogPosition = replicated.position();
      if (before.revision > 0) await ask((connection) => replicated.follow(connection));
      const isThere = replicated.position().revision >= revision && replicated.position() !== before;
      if (!isThere) await replicated.catchUp(primary);
    },
    close: () => pool?.close(),
  };
}

function openReplicaPool({ options, pool }: Replica): Pool {
  let next = 0;
  return openPool({
    ...pool,
    async connect() {
      const server = options.servers[next % options.servers.length];
      next += 1;
      if (server === undefined) throw new Error('the replica has no host');
      return await openConnection(options, server);
    },
  });
}
