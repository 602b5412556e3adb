// Work that is done when something has happened, one run at a time, and again a little later while it fails.

/** Such work. */
export interface Retried {
  /** Something has happened: there is a run after this moment. */
  wake(): void;
  /** Ends the tries; resolves when the last run is over. */
  stop(): Promise<void>;
}

// A store that is away is back in seconds or in hours.
const pause = 2_000;

/** The work, idle. An outage is told of once. */
export function openRetried(run: () => Promise<void>, onError: (error: unknown) => void): Retried {
  let working: Promise<void> | undefined;
  let wanted = false;
  let failing = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const work = async (): Promise<void> => {
    while (wanted && !stopped) {
      wanted = false;
      try {
        await run();
        failing = false;
      } catch (error) {
        if (!failing) onError(error);
        failing = true;
        timer = setTimeout(wake, pause).unref();
        return;
      }
    }
  };
  function wake(): void {
    wanted = true;
    clearTimeout(timer);
    working ??= work().finally(() => {
      working = undefined;
    });
  }
  return {
    wake,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
