// The store the settings ask for.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MeshError } from '@ursa/resources';
import type { Settings } from './config/settings.ts';
import { openEmbeddedStore } from './store/embedded-store.ts';
import { openMemoryStore } from './store/memory-store.ts';
import type { StoreOptions } from './store/serial-store.ts';
import type { Store } from './store/store.ts';

/** The folder for everything that must outlive the process: that of the settings, else `~/.kuma`. */
export function workDirOf(settings: Settings): string {
  return settings.general.workDir === '' ? join(homedir(), '.kuma') : settings.general.workDir;
}

/** Opens the store. Errors: `MeshError('unsupported')` for a kind that does not exist yet, and those of the store itself. */
export function openStore(settings: Settings, options: StoreOptions): Store {
  switch (settings.store.type) {
    case 'memory':
      return openMemoryStore(options);
    case 'embedded':
      return openEmbeddedStore(join(workDirOf(settings), 'store.db'), options);
    default:
      throw new MeshError(
        'unsupported',
        `store.type (KUMA_STORE_TYPE): the store "${settings.store.type}" does not exist yet: use embedded (a durable file in the work directory, the default) or memory`,
      );
  }
}
