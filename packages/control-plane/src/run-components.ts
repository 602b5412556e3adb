// Starts components in order and stops them in reverse.
import type { Component } from './component.ts';
import type { Logger } from './log.ts';

/** Started components. */
export interface RunningComponents {
  /** Stops all, the last one first. One that fails or is not done in time is logged and left behind. Never throws. */
  stop(graceMilliseconds: number): Promise<void>;
}

/** Starts the components one after another. When one fails, those before it are stopped and its error is thrown. */
export async function runComponents(components: readonly Component[], log: Logger): Promise<RunningComponents> {
  const started: Component[] = [];
  const stop = async (graceMilliseconds: number): Promise<void> => {
    const deadline = performance.now() + graceMilliseconds;
    for (const component of started.splice(0).reverse()) {
      const remaining = Math.max(0, deadline - performance.now());
      await stopOne(component, remaining, log);
    }
  };
  for (const component of components) {
    try {
      await component.start();
      started.push(component);
      log.debug('started', { part: component.name });
    } catch (error) {
      await stop(2_000);
      throw error;
    }
  }
  return { stop };
}

async function stopOne(component: Component, graceMilliseconds: number, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), graceMilliseconds);
  });
  try {
    const outcome = await Promise.race([component.stop(), tooLate]);
    if (outcome === 'late') log.warn('a part did not stop in time', { part: component.name });
    else log.debug('stopped', { part: component.name });
  } catch (error) {
    log.error('a part failed to stop', { part: component.name, error });
  } finally {
    clearTimeout(timer);
  }
}
