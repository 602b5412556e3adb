// Keeps every holder in possession of the certificate it should have: has it made, renews it in time, and tries again where that
// fails, while the holder keeps what it has. Knows neither meshes nor proxies. Work is done a few at a time for each authority: one that hangs holds up no other.
import type { SignedLeaf } from './authorities/define-authority.ts';
import { type Circuit, createCircuit, type RetryLimits } from './circuit.ts';
import type { Clock } from './clock.ts';

/** A certificate that was made for an order, PEM. Times in milliseconds since 1970. */
export interface IssuedLeaf<Order> extends SignedLeaf {
  readonly order: Order;
  readonly issuedAt: number;
}

export interface IssuingOptions<Order> {
  readonly clock: Clock;
  /** Makes a certificate at a time. Errors are told to `onFailure`. */
  readonly make: (order: Order, issuedAt: number, holder: string) => Promise<SignedLeaf>;
  /** Who makes it: failures of one say nothing of another. */
  readonly authorityOf: (order: Order) => string;
  /** Gets certificates as they are made, several at once when there are many. */
  readonly deliver: (issued: ReadonlyMap<string, IssuedLeaf<Order>>) => void;
  /** Gets what could not be made, for the log, and when it is tried again. */
  readonly onFailure: (holder: string, error: unknown, again: number) => void;
  /** Told how long each certificate took. */
  readonly onIssued?: (holder: string, milliseconds: number) => void;
  readonly retries?: RetryLimits;
}

/** How an authority does. */
export interface IssuingState {
  readonly authority: string;
  /** Holders whose last attempt failed. */
  readonly failing: readonly string[];
  /** So many fail that only one asks for all. */
  readonly isOpen: boolean;
}

export interface Issuing<Order> {
  /** States what a holder should have; undefined: nothing any more. The same object again changes nothing, another one is carried out. */
  order(holder: string, order: Order | undefined): void;
  /** Has the holder's certificate made anew. */
  renew(holder: string): void;
  /** Resolves when the holder's last order is carried out, has failed, or there is none. */
  settled(holder: string): Promise<void>;
  /** Every authority that somebody has a certificate of, or waits for one. */
  states(): readonly IssuingState[];
  stop(): void;
}

// As many as the thread pool has threads: more would only wait there, and an authority elsewhere is not to be run over.
const concurrency = 4;
// So many certificates go out together when more are waiting: few deliveries, and the first ones do not wait for the last.
const deliverySize = 64;
const usualRetries: RetryLimits = { base: 5_000, max: 300_000, minHolders: 10 };
// An authority that gives out certificates which have ended already is not asked again at once, over and over.
const shortestLife = 1_000;
// A holder that cannot be reached for so long, because its control plane starts anew, still has a certificate when it comes back.
const absence = 60_000;

interface Holder<Order> {
  order: Order;
  lane: Lane;
  issued: IssuedLeaf<Order> | undefined;
  /** Of those who wait for the order. */
  waiting: (() => void)[];
  pending: boolean;
  /** When it is to be renewed, or tried again; undefined while there is nothing to wait for. */
  dueAt: number | undefined;
}

/** The work of one authority. */
interface Lane {
  readonly authority: string;
  /** How many holders have their certificate from it, or wait for one. */
  holders: number;
  readonly circuit: Circuit;
  readonly queue: Set<string>;
  working: number;
}

/** Opens the issuing. */
export function openIssuing<Order>(options: IssuingOptions<Order>): Issuing<Order> {
  const { clock, make, authorityOf, deliver, onFailure, onIssued, retries = usualRetries } = options;
  const holders = new Map<string, Holder<Order>>();
  const lanes = new Map<string, Lane>();
  const ready = new Map<string, IssuedLeaf<Order>>();
  let alarm: { readonly at: number; readonly timer: { stop(): void } } | undefined;
  let stopped = false;

  const laneOf = (order: Order): Lane => {
    const authority = authorityOf(order);
    let lane = lanes.get(authority);
    if (lane === undefined) {
      lane = { authority, holders: 0, circuit: createCircuit(retries), queue: new Set(), working: 0 };
      lanes.set(authority, lane);
    }
    return lane;
  };
  const settle = (holder: Holder<Order>): void => {
    holder.pending = false;
    for (const resolve of holder.waiting.splice(0)) resolve();
  };
  const leave = (name: string, { lane }: Holder<Order>): void => {
    lane.queue.delete(name);
    lane.circuit.forget(name);
    lane.holders--;
    close(lane);
  };
  /** An authority that nobody wants anything of may be gone for ever, with its mesh. What is under way still counts as its work. */
  const close = (lane: Lane): void => {
    if (lane.holders === 0 && lane.working === 0 && lanes.get(lane.authority) === lane) lanes.delete(lane.authority);
  };
  const flush = (): void => {
    if (ready.size === 0) return;
    const delivered = new Map(ready);
    ready.clear();
    deliver(delivered);
    for (const name of delivered.keys()) {
      const holder = holders.get(name);
      // A newer order may already be on its way.
      if (holder !== undefined && !holder.lane.queue.has(name) && holder.issued?.order === holder.order) settle(holder);
    }
  };
  const wakeAt = (time: number): void => {
    if (alarm !== undefined && alarm.at <= time) return;
    alarm?.timer.stop();
    alarm = { at: time, timer: clock.at(time, wake) };
  };
  const wake = (): void => {
    alarm = undefined;
    let next = Number.POSITIVE_INFINITY;
    const late: [name: string, holder: Holder<Order>][] = [];
    for (const entry of holders) {
      const { dueAt } = entry[1];
      if (dueAt === undefined) continue;
      if (dueAt <= clock.now()) late.push(entry);
      else next = Math.min(next, dueAt);
    }
    // After a pause of the process many are late at once: what ends first is made first.
    late.sort(([, one], [, other]) => endOf(one) - endOf(other));
    for (const [name, holder] of late) enqueue(name, holder);
    if (Number.isFinite(next)) wakeAt(next);
    for (const lane of lanes.values()) work(lane);
  };
  const enqueue = (name: string, holder: Holder<Order>): void => {
    holder.dueAt = undefined;
    holder.lane.queue.add(name);
  };
  const due = (holder: Holder<Order>, time: number): void => {
    holder.dueAt = time;
    wakeAt(time);
  };
  const carryOut = async (name: string): Promise<void> => {
    const holder = holders.get(name);
    if (holder === undefined) return;
    const { order, lane } = holder;
    // Withdrawn or replaced while it was made: the queue has what is wanted now.
    const isOutdated = (): boolean => stopped || holders.get(name) !== holder || holder.order !== order;
    const started = performance.now();
    const issuedAt = clock.now();
    try {
      const leaf = await make(order, issuedAt, name);
      onIssued?.(name, performance.now() - started);
      if (lane.circuit.succeeded(name)) retryAll(lane);
      if (isOutdated()) return;
      holder.issued = { ...leaf, order, issuedAt };
      ready.set(name, holder.issued);
      due(holder, renewalTime(holder.issued));
    } catch (error) {
      if (isOutdated()) return;
      const again = lane.circuit.failed(name, clock.now());
      due(holder, again);
      onFailure(name, error, again);
      settle(holder);
      if (lane.circuit.isOpen) hold(lane);
    }
  };
  /** The authority signs again: who has failed need not wait any longer. */
  const retryAll = ({ circuit, queue }: Lane): void => {
    for (const name of [...circuit.failing()]) {
      const holder = holders.get(name);
      circuit.forget(name);
      if (holder === undefined) continue;
      holder.dueAt = undefined;
      queue.add(name);
    }
  };
  /** Nobody is to wait for what will not come soon. */
  const hold = (lane: Lane): void => {
    for (const name of lane.queue) {
      const holder = holders.get(name);
      if (holder !== undefined) settle(holder);
    }
  };
  const work = (lane: Lane): void => {
    while (!stopped && lane.working < concurrency) {
      const [name] = lane.queue;
      if (name === undefined) break;
      if (!lane.circuit.admits(clock.now(), lane.working)) {
        // Whoever is at it now comes back here.
        if (lane.working === 0) wakeAt(lane.circuit.nextProbe);
        break;
      }
      lane.queue.delete(name);
      lane.working++;
      void carryOut(name).then(() => {
        lane.working--;
        close(lane);
        if (stopped) return;
        if (ready.size >= deliverySize || (lane.queue.size === 0 && lane.working === 0) || lane.circuit.isOpen) flush();
        work(lane);
      });
    }
  };

  return {
    order(name, order) {
      const before = holders.get(name);
      if (order === undefined) {
        holders.delete(name);
        ready.delete(name);
        if (before === undefined) return;
        leave(name, before);
        settle(before);
        return;
      }
      if (before?.order === order) return;
      const lane = laneOf(order);
      lane.holders++;
      const holder = before ?? { order, lane, issued: undefined, waiting: [], pending: true, dueAt: undefined };
      if (before === undefined) holders.set(name, holder);
      else {
        leave(name, before);
        Object.assign(holder, { order, lane, pending: true });
      }
      enqueue(name, holder);
      if (lane.circuit.isOpen) settle(holder);
      work(lane);
    },
    renew(name) {
      const holder = holders.get(name);
      // Who has failed keeps waiting: asking for more does not make an authority well.
      if (holder === undefined || holder.issued?.order !== holder.order || holder.lane.circuit.isFailing(name)) return;
      enqueue(name, holder);
      work(holder.lane);
    },
    async settled(name) {
      const holder = holders.get(name);
      if (holder?.pending) await new Promise<void>((resolve) => holder.waiting.push(resolve));
    },
    states: () =>
      [...lanes].map(([authority, { circuit }]) => ({
        authority,
        failing: [...circuit.failing()],
        isOpen: circuit.isOpen,
      })),
    stop() {
      stopped = true;
      alarm?.timer.stop();
      for (const holder of holders.values()) settle(holder);
    },
  };
}

/** When the holder is without a certificate that counts: at once where it has none. */
function endOf({ issued }: Pick<Holder<unknown>, 'issued'>): number {
  return issued?.notAfter ?? Number.NEGATIVE_INFINITY;
}

/** At four fifths of its life, or with a minute left where a fifth is less than that, but not before half of it is over. */
function renewalTime({ issuedAt, notAfter }: IssuedLeaf<unknown>): number {
  const life = notAfter - issuedAt;
  const rest = Math.max(life / 5, Math.min(life / 2, absence));
  return issuedAt + Math.max(shortestLife, life - rest);
}
