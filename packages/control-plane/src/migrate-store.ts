// `kuma-cp migrate`: brings the tables of the store to the form this version needs, or one step back.
import type { Settings } from './config/settings.ts';
import type { Migration } from './store/postgres/migrate.ts';

/** Which way to go. */
export type MigrationDirection = 'up' | 'down';

/** Migrates the store of the settings; returns what was done, in a sentence. Errors: those of the store. */
export async function migrateStore(settings: Settings, direction: MigrationDirection): Promise<string> {
  if (settings.store.type === 'postgres') return await migratePostgres(settings.store.postgres, direction);
  return `nothing to migrate: the ${settings.store.type} store brings itself to the form it needs at the start`;
}

async function migratePostgres(
  settings: Settings['store']['postgres'],
  direction: MigrationDirection,
): Promise<string> {
  const { readPostgresOptions } = await import('./store/postgres/options.ts');
  const { connectToPrimary } = await import('./store/postgres/primary.ts');
  const { migrateDown, migrateUp } = await import('./store/postgres/migrate.ts');
  const { connection } = await connectToPrimary(await readPostgresOptions(settings));
  try {
    const migration = await (direction === 'up' ? migrateUp(connection) : migrateDown(connection));
    return describe(migration, `the store in database "${settings.dbName}" at ${connection.server}`);
  } finally {
    connection.close();
  }
}

function describe({ from, to, steps }: Migration, store: string): string {
  if (from === to) return `nothing to migrate: ${store} has version ${to} already`;
  return `${store} went from version ${from} to version ${to}: ${steps.map((step) => `${to > from ? '+' : '-'} ${step}`).join(', ')}`;
}
