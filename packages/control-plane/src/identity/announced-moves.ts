// Issuing that is careful with holders who change their name: clients must know the new one before, or they refuse it.
import type { Issuing } from './issuing.ts';

/** When holders move, and what comes before. */
export interface Moves<Order> {
  /** True when clients have to learn a name that this order gives a holder. */
  isMove(holder: string, order: Order): boolean;
  /** Resolves when the holder may move. */
  announce(holder: string): Promise<void>;
}

/** The issuing, in which moves wait for their announcement. Until then a holder keeps what it has. */
export function announceMoves<Order>(issuing: Issuing<Order>, { isMove, announce }: Moves<Order>): Issuing<Order> {
  const waiting = new Map<string, Order>();
  return {
    ...issuing,
    order(holder, order) {
      waiting.delete(holder);
      if (order === undefined || !isMove(holder, order)) {
        issuing.order(holder, order);
        return;
      }
      waiting.set(holder, order);
      void announce(holder).then(() => {
        // Another order may have come meanwhile, which has its own announcement.
        if (waiting.get(holder) !== order) return;
        waiting.delete(holder);
        issuing.order(holder, order);
      });
    },
    stop() {
      waiting.clear();
      issuing.stop();
    },
  };
}
