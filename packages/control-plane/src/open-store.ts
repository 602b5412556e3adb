// The store the settings ask for.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { homeFolder, MeshError } from '@ursa/resources';
import type { Settings } from './config/settings.ts';
import type { Logger } from './log.ts';
import { openEmbeddedStore } from './store/embedded-store.ts';
import { openMemoryStore } from './store/memory-store.ts';
import type { Pool } from './store/postgres/pool.ts';
import { loadSealingKeys } from './store/sealing/load-keys.ts';
import { createSealer } from './store/sealing/sealer.ts';
import type { StoreOptions } from './store/serial-store.ts';
import type { Store } from './store/store.ts';

/** A store, and what other parts of the control plane may use of its kind. */
export interface OpenedStore {
  readonly store: Store;
  /** Connections to the database, for tables beside the store's; undefined when the store is no database that others share. */
  readonly connections: Pick<Pool, 'use'> | undefined;
}

/** The folder for everything that must outlive the process: that of the settings, else `~/.kuma`. */
export function workDirOf(settings: Settings): string {
  return settings.general.workDir === '' ? join(homeFolder(process.env, homedir), '.kuma') : settings.general.workDir;
}

/** The file of the embedded store. */
export function storeFileOf(settings: Settings): string {
  return join(workDirOf(settings), 'store.db');
}

/** Opens the store. Errors: `MeshError('unsupported')` for a kind that does not exist yet, and those of the store itself. */
export async function openStore(
  settings: Settings,
  given: StoreOptions & { readonly log: Logger },
): Promise<OpenedStore> {
  const options = { ...given, sealer: createSealer(await loadSealingKeys(settings.store.encryption, given.log)) };
  switch (settings.store.type) {
    case 'memory':
      return { store: openMemoryStore(options), connections: undefined };
    case 'embedded':
      return { store: openEmbeddedStore(storeFileOf(settings), options), connections: undefined };
    case 'postgres': {
      // Loaded only by those who use it: the driver would cost every other start its time and memory.
      const { openPostgresStore } = await import('./store/postgres/postgres-store.ts');
      const store = await openPostgresStore(settings.store.postgres, options);
      return { store, connections: store.connections };
    }
    default:
      throw new MeshError(
        'unsupported',
        `store.type (KUMA_STORE_TYPE): the store "${settings.store.type}" does not exist yet: use embedded (a durable file in the work directory, the default), postgres or memory`,
      );
  }
}
