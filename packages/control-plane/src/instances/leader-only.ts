// A part that runs on the leader only: started when leadership comes, stopped when it goes, started again when it failed to start.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Logger } from '../log.ts';
import type { Leadership } from '../store/leadership.ts';

/** What decides when such parts run. */
export interface LeaderOnlyOptions {
  readonly leadership: Leadership;
  readonly clock: Clock;
  /** Pause before a part that could not start is started again; doubled with each failure. Milliseconds. */
  readonly backoff: { readonly base: number; readonly max: number };
  readonly log: Logger;
}

/**
 * The part under leadership. Its own `start` is done when the part runs, or need not run now; it throws when the part cannot start at the very
 * beginning. The part must be able to start again after a stop.
 */
export function leaderOnly(part: Component, { leadership, clock, backoff, log }: LeaderOnlyOptions): Component {
  let subscription: { stop(): void } | undefined;
  let retry: { stop(): void } | undefined;
  let wanted = false;
  let running = false;
  let failures = 0;
  let settling: Promise<void> = Promise.resolve();

  const settleOnce = async (): Promise<void> => {
    if (wanted === running) return;
    if (wanted) {
      try {
        await part.start();
      } catch (error) {
        await part.stop();
        throw error;
      }
      running = true;
      failures = 0;
      log.debug('a part of the leader runs', { part: part.name });
    } else {
      running = false;
      await part.stop();
      log.debug('a part of the leader has stopped', { part: part.name });
    }
    await settleOnce();
  };
  const onFailure = (error: unknown): void => {
    log.error(`a part of the leader could not ${wanted ? 'start' : 'stop'}`, { part: part.name, error });
    if (!wanted) return;
    const pause = Math.min(backoff.max, backoff.base * 2 ** failures);
    failures += 1;
    retry = clock.at(clock.now() + pause, () => {
      settling = settling.then(settleOnce).catch(onFailure);
    });
  };
  const want = (leads: boolean): void => {
    wanted = leads;
    retry?.stop();
    settling = settling.then(settleOnce).catch(onFailure);
  };

  return {
    name: part.name,
    async start() {
      wanted = leadership.leads();
      await settleOnce();
      subscription = leadership.onChange(want);
    },
    async stop() {
      subscription?.stop();
      want(false);
      await settling;
    },
  };
}
