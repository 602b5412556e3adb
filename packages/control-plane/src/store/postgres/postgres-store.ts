// The store in PostgreSQL: any number of control planes write to one log of changes, and each holds a copy of the content in memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../log.ts';
import { createSealer } from '../sealing/sealer.ts';
import { noSealingKeys } from '../sealing/sealing-keys.ts';
import type { StoreOptions } from '../serial-store.ts';
import type { Store } from '../store.ts';
import { openStoreContent } from '../store-content.ts';
import { openContact } from './contact.ts';
import { describeFailure, failureKind } from './database-error.ts';
import { openFollower } from './follower.ts';
import { checkSchemaVersion } from './migrate.ts';
import { type PostgresOptions, readPostgresOptions, replicaOptions } from './options.ts';
import { openPool, type Pool, type PoolOptions } from './pool.ts';
import { connectForWriting, connectToPrimary, type PrimaryConnection } from './primary.ts';
import { openReads } from './reads.ts';
import { replicateContent } from './replicated-content.ts';
import { sealAnew } from './seal-anew.ts';
import { openWriter } from './writer.ts';

/** A store, and connections for those who keep tables of their own beside it. */
export interface PostgresStore extends Store {
  /** Connections to the server that takes the writes; empty again after each loss of contact. */
  readonly connections: Pick<Pool, 'use'>;
}

/** How the store is opened. */
export interface PostgresStoreOptions extends StoreOptions {
  readonly log: Logger;
  /** A database that is down is waited for this long at the start, in milliseconds. */
  readonly startPatience?: number;
}

type PostgresSettings = Settings['store']['postgres'];

const defaultStartPatience = 60_000;

/**
 * Opens the store and reads everything in it. A database that is not there is waited for. Errors: `unavailable` after that, or at once
 * when waiting does not help (wrong password, no such database, TLS); `unsupported` when the tables are of another version.
 */
export async function openPostgresStore(
  settings: PostgresSettings,
  options: PostgresStoreOptions,
): Promise<PostgresStore> {
  const { log } = options;
  const now = options.now ?? (() => new Date());
  const target = await readPostgresOptions(settings);
  const first = await waitForPrimary(target, log, options.startPatience ?? defaultStartPatience);
  const replica = replicaOptions(target, settings);
  const limits = poolLimits(settings);
  const sealer = options.sealer ?? createSealer(noSealingKeys);
  const reads = openReads(
    replica && { options: replica, ratio: settings.readReplica.ratio, pool: limits },
    sealer,
    log,
  );
  let { server, timeline } = first;
  try {
    await checkSchemaVersion(first.connection, settings.tolerateNewerDbVersions);
    await sealAnew(first.connection, sealer, log);
    const snapshot = await reads.snapshot(first.connection);
    const content = openStoreContent(snapshot, options.onListenerError);
    const replicated = replicateContent(content, snapshot, sealer, (from, to, changes) =>
      log.warn('the log of changes does not lead on from what was read last, so everything was read again', {
        from: from.revision,
        to: to.revision,
        changes,
      }),
    );
    await reads.catchUp(first.connection, replicated, 0);
    const contact = openContact(now, (health) => {
      if (health.ok) log.info('the database can be read and written again');
      else log.warn('the database cannot be used', { reason: health.reason, since: health.since, stale: health.stale });
    });
    const pool = openPool({ ...limits, connect: () => connectForWriting(target, server) });
    const writer = openWriter({
      pool,
      replicated,
      contact,
      sealer,
      now,
      onCommit: options.onCommit,
      onTrouble: () => follower.check(),
    });
    const follower = openFollower(first.connection, {
      replicated,
      contact,
      async connect() {
        const found = await connectToPrimary(target, { revision: replicated.position().revision, timeline });
        try {
          await checkSchemaVersion(found.connection, settings.tolerateNewerDbVersions);
        } catch (error) {
          found.connection.close();
          throw error;
        }
        ({ server } = found);
        timeline = found.timeline ?? timeline;
        return found.connection;
      },
      catchUp: (primary, revision) => reads.catchUp(primary, replicated, revision),
      ownCommit: writer.commitId,
      onLost: pool.reset,
    });
    return {
      write: writer.write,
      revision: content.revision,
      changes: content.listen,
      health: contact.health,
      connections: pool,
      async close() {
        await writer.close();
        await follower.stop();
        content.close();
        reads.close();
        pool.close();
      },
    };
  } catch (error) {
    first.connection.close();
    reads.close();
    throw error;
  }
}

async function waitForPrimary(target: PostgresOptions, log: Logger, patience: number): Promise<PrimaryConnection> {
  const deadline = performance.now() + patience;
  let saidAt = Number.NEGATIVE_INFINITY;
  for (let pause = 100; ; pause = Math.min(pause * 2, 1_000)) {
    try {
      return await connectToPrimary(target);
    } catch (error) {
      if (failureKind(error) !== 'gone') throw error;
      if (performance.now() + pause > deadline) {
        const seconds = Math.round(patience / 1000);
        const text = error instanceof Error ? error.message : String(error);
        throw new MeshError('unavailable', `the database was waited for ${seconds} s: ${text}`, { cause: error });
      }
      if (performance.now() - saidAt >= 10_000) {
        saidAt = performance.now();
        log.warn('waiting for the database', { reason: describeFailure(error) });
      }
    }
    await sleep(pause);
  }
}

function poolLimits(settings: PostgresSettings): Omit<PoolOptions, 'connect'> {
  return {
    minOpen: settings.minOpenConnections,
    maxOpen: settings.maxOpenConnections,
    maxIdle: settings.maxIdleConnections,
    idleTime: settings.maxConnectionIdleTime,
    lifetime: settings.maxConnectionLifetime,
    lifetimeJitter: settings.maxConnectionLifetimeJitter,
    checkInterval: settings.healthCheckInterval,
  };
}
