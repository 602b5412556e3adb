// Waits for something in the graph, but not for ever.
import type { Derivation, Graph } from '@ursa/collections';

/** Resolves with true when the derivation says true of a mesh, and with false when the milliseconds have passed. */
export function watchUntil(
  graph: Graph,
  derivation: Derivation<readonly [mesh: string], boolean>,
  mesh: string,
  within: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (reached: boolean): void => {
      clearTimeout(timer);
      watch.stop();
      resolve(reached);
    };
    const timer = setTimeout(() => finish(false), within);
    const watch = graph.watch(derivation, [mesh], (reached) => {
      if (reached) finish(true);
    });
    if (watch.value) finish(true);
  });
}
