// How many requests each caller may send, so that one who is let in cannot keep all others waiting.
import type { User } from '../../identity/access.ts';
import { adminGroup, unauthenticatedGroup } from '../../identity/users.ts';
import { Failure } from './failure.ts';

/** Budgets of all callers. */
export interface RequestBudgets {
  /** Takes one request of a caller's budget. Errors: `Failure` 429 when it is used up. */
  take(user: User, remoteAddress: string): void;
}

/** Seconds' worth of requests that may come at once. */
const burst = 2;

/** Callers that are remembered. Who has rested needs no memory. */
const mostCallers = 10_000;

/**
 * Budgets of `perSecond` requests for each user, and for each address without credentials; 0: without end, as for administrators, who may stop everything
 * anyway. `now` in milliseconds. What is kept of a caller is the time at which its budget is whole again.
 */
export function openRequestBudgets(perSecond: number, now: () => number = () => performance.now()): RequestBudgets {
  const wholeAt = new Map<string, number>();
  const cost = 1000 / perSecond;
  const forgetRested = (time: number): void => {
    for (const [caller, rested] of wholeAt) if (rested <= time) wholeAt.delete(caller);
    // All of them busy: the first to have come starts anew, rather than that memory grows.
    const [oldest] = wholeAt.keys();
    if (wholeAt.size >= mostCallers && oldest !== undefined) wholeAt.delete(oldest);
  };
  return {
    take(user, remoteAddress) {
      if (perSecond === 0 || user.groups.includes(adminGroup)) return;
      const isKnown = !user.groups.includes(unauthenticatedGroup);
      const caller = isKnown ? `user ${user.name}` : `${remoteAddress} without credentials`;
      const time = now();
      const used = Math.max(wholeAt.get(caller) ?? 0, time) + cost;
      const wait = used - time - burst * 1000;
      if (wait > 0) {
        throw new Failure(
          429,
          'Too many requests',
          `${caller} may send ${perSecond} requests a second (apiServer.maxRequestsPerSecond); wait, and send fewer at once`,
          { headers: { 'retry-after': String(Math.ceil(wait / 1000)) } },
        );
      }
      if (!wholeAt.has(caller) && wholeAt.size >= mostCallers) forgetRested(time);
      wholeAt.set(caller, used);
    },
  };
}
