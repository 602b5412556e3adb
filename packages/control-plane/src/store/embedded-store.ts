// The default store: durable, no server, one file in the work directory.
import { openSerialStore, type StoreOptions } from './serial-store.ts';
import { openSqliteJournal } from './sqlite-journal.ts';
import type { Store } from './store.ts';

/** The store of that file, created when it does not exist. Errors: as told at `openSqliteJournal`. */
export function openEmbeddedStore(file: string, options: StoreOptions = {}): Store {
  return openSerialStore(openSqliteJournal(file, options.now ?? (() => new Date()), options.sealer), options);
}
