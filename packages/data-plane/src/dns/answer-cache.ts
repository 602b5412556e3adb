// Answers of other servers, remembered for as long as they say, so many and no more. Those that are over are kept for a while: while no server
// answers, an old answer is better than none (RFC 8767).
import { aged, lifetimeOf, type Query } from './message.ts';

interface Entry {
  readonly answer: Buffer;
  readonly positions: readonly number[];
  readonly storedAt: number;
  readonly seconds: number;
}

/** The cache. */
export interface AnswerCache {
  /** An answer that holds. */
  find(query: Query): Buffer | undefined;
  /** An answer that holds, or held within the last hour. */
  findOld(query: Query): Buffer | undefined;
  store(query: Query, answer: Buffer): void;
  readonly size: number;
}

const mostEntries = 4096;
const mostBytes = 4 << 20;
const longest = { positive: 3600, old: 3600 } as const;
/** Seconds for which an old answer may be remembered by who gets it (RFC 8767 section 5). */
const oldTtl = 30;

/** Opens a cache. `now` in milliseconds. */
export function openAnswerCache(now: () => number): AnswerCache {
  // In the order of their use: a Map keeps the order of insertion.
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= entries.get(key)?.answer.length ?? 0;
    entries.delete(key);
  };
  const passedSince = ({ storedAt }: Entry): number => Math.floor((now() - storedAt) / 1000);
  return {
    find(query) {
      const entry = entries.get(query.key);
      if (entry === undefined) return undefined;
      const passed = passedSince(entry);
      if (passed >= entry.seconds) return undefined;
      entries.delete(query.key);
      entries.set(query.key, entry);
      return aged(entry.answer, entry.positions, query.id, passed, 0);
    },
    findOld(query) {
      const entry = entries.get(query.key);
      if (entry === undefined) return undefined;
      const passed = passedSince(entry);
      return passed >= entry.seconds + longest.old
        ? undefined
        : aged(entry.answer, entry.positions, query.id, passed, passed >= entry.seconds ? oldTtl : 0);
    },
    store(query, answer) {
      let lifetime: ReturnType<typeof lifetimeOf>;
      try {
        lifetime = lifetimeOf(answer, query.questionEnd);
      } catch {
        return;
      }
      const seconds = Math.min(lifetime.seconds, longest.positive);
      if (seconds === 0) return;
      drop(query.key);
      entries.set(query.key, { answer: Buffer.from(answer), positions: lifetime.positions, storedAt: now(), seconds });
      bytes += answer.length;
      for (const key of entries.keys()) {
        if (entries.size <= mostEntries && bytes <= mostBytes) break;
        drop(key);
      }
    },
    get size() {
      return entries.size;
    },
  };
}
