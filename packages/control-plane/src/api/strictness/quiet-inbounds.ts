// Remembers what was counted at each inbound, so that plain text of today is told from that of the days before mTLS: Envoy counts without dates.
import type { PlaintextCount } from './plaintext-counts.ts';

/** What is known of plain text at an inbound. */
export type PlaintextJudgement =
  /** None came since Envoy started, or none for as long as is asked for. */
  | { readonly kind: 'quiet' }
  /** Connections are open, or came since the last look. */
  | { readonly kind: 'in-use'; readonly count: PlaintextCount }
  /** Some came, and none since the inbound is looked at, which is not yet long enough. */
  | { readonly kind: 'undecided'; readonly count: PlaintextCount; readonly quietFor: number };

/** Looks at inbounds, one after another, and remembers. */
export interface QuietInbounds {
  /** Whether a count shows plain text that was not known: worth a second reading. */
  isNews(id: string, count: PlaintextCount): boolean;
  judge(id: string, count: PlaintextCount): PlaintextJudgement;
  /** Forgets the inbounds that do not exist any more. */
  keep(exists: (id: string) => boolean): void;
}

/** `quietPeriod`: how long no plain text must have come, in milliseconds. */
export function rememberQuiet(quietPeriod: number, now: () => number): QuietInbounds {
  const looks = new Map<string, { readonly total: number; readonly since: number }>();
  return {
    isNews: (id, { total, open }) => open > 0 || total > (looks.get(id)?.total ?? 0),
    judge(id, count) {
      const before = looks.get(id);
      // Fewer than before: another Envoy, that has started since.
      const grew = before !== undefined && count.total > before.total;
      if (before?.total !== count.total) looks.set(id, { total: count.total, since: now() });
      if (count.total === 0) return { kind: 'quiet' };
      if (count.open > 0 || grew) return { kind: 'in-use', count };
      const quietFor = now() - (looks.get(id)?.since ?? now());
      return quietFor >= quietPeriod ? { kind: 'quiet' } : { kind: 'undecided', count, quietFor };
    },
    keep(exists) {
      for (const id of looks.keys()) if (!exists(id)) looks.delete(id);
    },
  };
}
