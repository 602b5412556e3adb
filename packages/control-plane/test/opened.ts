// What tests open is closed when the tests of the file have ended, however they ended: what stays open after a failed test keeps the file from ending.
import { after } from 'node:test';
import { openConnection } from '../src/store/postgres/connection.ts';
import { openPostgresStore, type PostgresStore } from '../src/store/postgres/postgres-store.ts';

const ends: (() => unknown)[] = [];
after(async () => {
  // The last one first: an election over a store still needs it.
  for (const end of ends.toReversed()) await end();
});

/** Gives the part back, which will be stopped or closed at the end. A part that a test has closed itself may be closed again. */
export function opened<Part extends { close(): unknown } | { stop(): unknown }>(part: Part): Part {
  ends.push(() => ('close' in part ? part.close() : part.stop()));
  return part;
}

/** `openPostgresStore`, closed at the end. */
export async function openedStore(...options: Parameters<typeof openPostgresStore>): Promise<PostgresStore> {
  return opened(await openPostgresStore(...options));
}

/** `openConnection` to PostgreSQL, closed at the end. */
export async function openedConnection(...options: Parameters<typeof openConnection>) {
  return opened(await openConnection(...options));
}
