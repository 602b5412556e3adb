// Runs a plan: whatever a derivation says should be written, is written, until it says nothing more.
import type { Derivation, Graph, Watch } from '@ursa/collections';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Store } from '../store/store.ts';
import { type PlannedWrite, writePlanned } from './planned-write.ts';

export interface GeneratorInputs {
  readonly name: string;
  readonly graph: Graph;
  readonly store: Store;
  readonly clock: Clock;
  readonly plan: Derivation<readonly [], readonly PlannedWrite[]>;
  readonly onFailure: (error: unknown) => void;
  /** Told how long it took to write what was planned. */
  readonly onWritten?: ((milliseconds: number) => void) | undefined;
}

const retryAfter = 5000;

/** The component of a plan. `start` resolves when what was planned at first is written. */
export function generator({ name, graph, store, clock, plan, onFailure, onWritten }: GeneratorInputs): Component {
  let watch: Watch<readonly PlannedWrite[]> | undefined;
  let timer: { stop(): void } | undefined;
  let writing: Promise<void> | undefined;
  let written: readonly PlannedWrite[] | undefined;
  let notBefore = 0;

  const wake = (): void => {
    if (watch === undefined || timer !== undefined || writing !== undefined) return;
    const plans = watch.value;
    // The same plan again means that it was written and has not changed what it is made from: writing it once more would not either.
    if (plans.length === 0 || plans === written) return;
    if (clock.now() < notBefore) {
      timer = clock.at(notBefore, () => {
        timer = undefined;
        wake();
      });
      return;
    }
    writing = write(plans).then(() => {
      writing = undefined;
      wake();
    });
  };
  const write = async (plans: readonly PlannedWrite[]): Promise<void> => {
    const started = performance.now();
    try {
      await writePlanned(store, plans, clock.now());
      onWritten?.(performance.now() - started);
      written = plans;
    } catch (error) {
      onFailure(error);
      notBefore = clock.now() + retryAfter;
    }
  };

  return {
    name,
    async start() {
      watch = graph.watch(plan, [], wake);
      wake();
      await writing;
    },
    async stop() {
      watch?.stop();
      watch = undefined;
      timer?.stop();
      timer = undefined;
      await writing;
      written = undefined;
      notBefore = 0;
    },
  };
}
