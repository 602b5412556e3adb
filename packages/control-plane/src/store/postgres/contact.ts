// Whether the database can be reached and written, and since when not.
import type { StoreHealth } from '../store.ts';

/** What is known about the database; told by those who talk to it. */
export interface Contact {
  /** The content in memory is known to be that of the database. */
  confirm(): void;
  /** No contact: others may write what is not seen here. */
  lose(reason: string): void;
  /** The database answers, and refuses to write. */
  refuseWrites(reason: string): void;
  acceptWrites(): void;
  writesRefused(): boolean;
  /** Milliseconds since contact was lost; undefined while there is contact. */
  lostFor(): number | undefined;
  health(): StoreHealth;
}

/** Contact that has just been made. `onChange` is told when it is lost, and when it is there again. */
export function openContact(now: () => Date, onChange: (health: StoreHealth) => void): Contact {
  let confirmedAt = now();
  let lost: { readonly reason: string; readonly since: string; readonly at: number } | undefined;
  let refused: { readonly reason: string; readonly since: string } | undefined;

  function health(): StoreHealth {
    if (lost !== undefined) return { ok: false, reason: lost.reason, since: lost.since, stale: true };
    if (refused !== undefined) return { ok: false, ...refused, stale: false };
    return { ok: true };
  }

  return {
    confirm() {
      confirmedAt = now();
      if (lost === undefined) return;
      lost = undefined;
      onChange(health());
    },
    lose(reason) {
      const isNew = lost === undefined;
      lost = { reason, since: lost?.since ?? confirmedAt.toISOString(), at: lost?.at ?? performance.now() };
      if (isNew) onChange(health());
    },
    refuseWrites(reason) {
      const isNew = refused === undefined;
      refused = { reason, since: refused?.since ?? now().toISOString() };
      if (isNew) onChange(health());
    },
    acceptWrites() {
      if (refused === undefined) return;
      refused = undefined;
      onChange(health());
    },
    writesRefused: () => refused !== undefined,
    lostFor: () => (lost === undefined ? undefined : performance.now() - lost.at),
    health,
  };
}
