// Waits for the end of a roll-out among the proxies that are connected here.
import type { RolloutView, RolloutViews } from '../xds/rollout.ts';

/** What is asked. Plain data: it goes to other instances too. */
export interface RolloutQuestion {
  readonly revision: number;
  readonly mesh?: string | undefined;
  /** Also for the zone egresses that serve the mesh. */
  readonly withEgresses?: boolean | undefined;
  /** Milliseconds. */
  readonly wait: number;
}

/** Where the proxies are: when the roll-out is over, somebody refuses it, or the time has passed. */
export type FollowRollout = (question: RolloutQuestion) => Promise<RolloutView>;

// One look for all answers of proxies that come in within this time; a look at ten thousand takes some milliseconds.
const settleMilliseconds = 20;
const proxiesPerMillisecond = 50;
// Callers beyond this are answered at once: what waits here costs memory, and a look at each step of every proxy.
const mostWaiting = 256;

/** Follows a roll-out. */
export function followRollout(rollout: RolloutViews): FollowRollout {
  let waiting = 0;
  return async (question) => {
    const view = rollout.at(question.revision, question.mesh, question.withEgresses);
    if (question.wait <= 0 || waiting >= mostWaiting || isOver(view, question.revision)) return view;
    waiting += 1;
    try {
      return await untilOver(
        rollout,
        question,
        Math.max(settleMilliseconds, view.proxies.length / proxiesPerMillisecond),
      );
    } finally {
      waiting -= 1;
    }
  };
}

/** True when all have the change. */
export function isDone({ processed, proxies }: RolloutView, revision: number): boolean {
  return processed >= revision && proxies.every(({ state }) => state === 'acked');
}

/** True when somebody refuses the change. */
export function isRefused({ proxies }: RolloutView, revision: number): boolean {
  return proxies.some(({ refusals = [] }) => refusals.some((refusal) => refusal.revision >= revision));
}

/** True when waiting is pointless: all have the change, nobody who could still take it is left, or somebody refuses it. */
function isOver(view: RolloutView, revision: number): boolean {
  if (isDone(view, revision) || isRefused(view, revision)) return true;
  return view.processed >= revision && view.proxies.every(({ state }) => state !== 'pending');
}

function untilOver(
  rollout: RolloutViews,
  { revision, mesh, withEgresses, wait }: RolloutQuestion,
  settle: number,
): Promise<RolloutView> {
  const look = (): RolloutView => rollout.at(revision, mesh, withEgresses);
  return new Promise((resolve) => {
    let next: NodeJS.Timeout | undefined;
    const finish = (view: RolloutView): void => {
      progress.stop();
      clearTimeout(next);
      clearTimeout(end);
      resolve(view);
    };
    const progress = rollout.onProgress(() => {
      next ??= setTimeout(() => {
        next = undefined;
        const view = look();
        if (isOver(view, revision)) finish(view);
      }, settle);
    });
    const end = setTimeout(() => finish(look()), wait);
  });
}
