// How much one stream may ask in how little time. An honest proxy never comes near it; who floods is read ever so slowly, and HTTP/2's flow
// control holds the rest on his side.
import type { DiscoveryRequest, Reception } from '../delta/conversation.ts';

/** The budget of one stream. */
export interface RequestBudget {
  /** Takes what a request has cost. Gives the milliseconds for which no more should be read; 0 while something is left. */
  spend(cost: number): number;
}

// What Envoy asks at its start, with many clusters, comes at once.
const mostSaved = 500;
const perSecond = 100;
// Reading goes on in pieces that are worth the waking.
const leastPauseMilliseconds = 500;

/** Opens a full budget; it fills up again with time. */
export function openRequestBudget(now: () => number = () => performance.now()): RequestBudget {
  let left = mostSaved;
  let at = now();
  return {
    spend(cost) {
      const time = now();
      left = Math.min(mostSaved, left + ((time - at) * perSecond) / 1000) - cost;
      at = time;
      return left > 0 ? 0 : Math.max(leastPauseMilliseconds, (-left * 1000) / perSecond);
    },
  };
}

// An answer is owed to each response, and there are no more of them than we send. Names are what makes a question dear.
const answerCost = 0.1;
const namesPerUnit = 100;

/** What a request has cost. */
export function costOfRequest(
  kind: Reception['kind'],
  { names, dropped, held }: Pick<DiscoveryRequest, 'names' | 'dropped' | 'held'>,
): number {
  if (kind === 'acknowledged' || kind === 'rejected' || kind === 'disputed') return answerCost;
  return 1 + (names.length + dropped.length + held.size) / namesPerUnit;
}
