// What answers say while the store cannot be written: reads come from memory, and their reader must be able to tell.
import type { StoreHealth } from '../../store/store.ts';

/**
 * Headers of an answer that was made from memory; none while all is well. `Warning` has RFC 7234's form: 110 when others may have changed
 * what is shown since then (with `Age`), 199 when it is current and only writes are refused. Without the cause, which may name hosts and files.
 */
export function degradedHeaders(health: StoreHealth, now: Date): Readonly<Record<string, string>> {
  if (health.ok) return {};
  const since = `the store is degraded since ${health.since}`;
  if (!health.stale) return { warning: `199 kuma-cp "${since}: what is shown is current, writes are refused"` };
  const age = Math.max(0, Math.floor((now.getTime() - Date.parse(health.since)) / 1000));
  return {
    warning: `110 kuma-cp "${since}: what is shown is from memory, ${age} s old, writes are refused"`,
    age: String(age),
  };
}
