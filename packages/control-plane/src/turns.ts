// A long computation on the one thread that also answers requests and sends to proxies.

// Shorter than anybody notices, long enough that the turns themselves cost nothing.
const sliceMilliseconds = 20;

/** For loops over many: await what it returns in each round, and others get their turn every `slice` milliseconds (20 unless told). */
export function takeTurns(slice = sliceMilliseconds): () => Promise<void> {
  let end = performance.now() + slice;
  return async () => {
    if (performance.now() < end) return;
    await new Promise((resolve) => setImmediate(resolve));
    end = performance.now() + slice;
  };
}
