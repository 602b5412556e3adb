// Keeps every holder in possession of the certificate it should have: issues what is ordered, renews it at four fifths of its life.
// Knows neither meshes nor proxies. Keys and signatures are made in the thread pool, a few at a time, so the event loop is never held up.
import { type AuthorityPair, issuerCache } from './authorities/authority.ts';
import { issueLeaf, type LeafCertificate } from './certificates/certificate.ts';
import { generateKeys } from './certificates/key-pair.ts';
import type { Clock } from './clock.ts';

/** The certificate a holder should have. The same object again changes nothing; another one is carried out, whatever it says. */
export interface LeafOrder {
  readonly authority: AuthorityPair;
  readonly names: LeafCertificate['names'];
  readonly usages: LeafCertificate['usages'];
  /** Milliseconds. */
  readonly lifetime: number;
}

/** A certificate that was issued, PEM. Times in milliseconds since 1970. */
export interface IssuedLeaf {
  readonly order: LeafOrder;
  readonly certificate: string;
  readonly privateKey: string;
  readonly issuedAt: number;
  readonly notAfter: number;
}

export interface IssuingOptions {
  readonly clock: Clock;
  /** Gets certificates as they are made, several at once when there are many. */
  readonly deliver: (issued: ReadonlyMap<string, IssuedLeaf>) => void;
  /** Gets what an authority could not sign, for the log. It is tried again with the holder's next order. */
  readonly onFailure: (holder: string, error: unknown) => void;
  /** Told how long each certificate took. */
  readonly onIssued?: (holder: string, milliseconds: number) => void;
}

export interface Issuing {
  /** States what a holder should have; undefined: nothing any more. */
  order(holder: string, order: LeafOrder | undefined): void;
  /** Resolves when the holder's last order is carried out, has failed, or there is none. */
  settled(holder: string): Promise<void>;
  stop(): void;
}

// Proxies and the control plane do not agree on the time to the minute: a certificate must not come from a proxy's future.
const clockSkew = 5 * 60 * 1000;
// As many as the thread pool has threads: more would only wait there.
const concurrency = 4;
// So many certificates go out together when more are waiting: few deliveries, and the first ones do not wait for the last.
const deliverySize = 64;

interface Holder {
  order: LeafOrder;
  issued: IssuedLeaf | undefined;
  /** Of those who wait for the order. */
  waiting: (() => void)[];
  pending: boolean;
}

/** Opens the issuing. */
export function openIssuing({ clock, deliver, onFailure, onIssued }: IssuingOptions): Issuing {
  const holders = new Map<string, Holder>();
  const queue = new Set<string>();
  const ready = new Map<string, IssuedLeaf>();
  const issuerOf = issuerCache();
  let working = 0;
  let renewal: { readonly at: number; readonly timer: { stop(): void } } | undefined;
  let stopped = false;

  const settle = (holder: Holder): void => {
    holder.pending = false;
    for (const resolve of holder.waiting.splice(0)) resolve();
  };
  const flush = (): void => {
    if (ready.size === 0) return;
    const delivered = new Map(ready);
    ready.clear();
    deliver(delivered);
    for (const name of delivered.keys()) {
      const holder = holders.get(name);
      // A newer order may already be on its way.
      if (holder !== undefined && !queue.has(name) && holder.issued?.order === holder.order) settle(holder);
    }
  };
  const renewAt = (time: number): void => {
    if (renewal !== undefined && renewal.at <= time) return;
    renewal?.timer.stop();
    renewal = { at: time, timer: clock.at(time, renewDue) };
  };
  const renewDue = (): void => {
    renewal = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const [name, { issued }] of holders) {
      if (issued === undefined) continue;
      const due = renewalTime(issued);
      if (due <= clock.now()) queue.add(name);
      else next = Math.min(next, due);
    }
    if (Number.isFinite(next)) renewAt(next);
    work();
  };
  const carryOut = async (name: string): Promise<void> => {
    const holder = holders.get(name);
    if (holder === undefined) return;
    const { order } = holder;
    const started = performance.now();
    try {
      const leaf = await makeLeaf(order, clock.now());
      onIssued?.(name, performance.now() - started);
      // Withdrawn or replaced while it was made: the queue has what is wanted now.
      if (holders.get(name) !== holder || holder.order !== order) return;
      holder.issued = { order, ...leaf };
      ready.set(name, holder.issued);
      renewAt(renewalTime(holder.issued));
    } catch (error) {
      if (holders.get(name) !== holder || holder.order !== order) return;
      onFailure(name, error);
      settle(holder);
    }
  };
  const makeLeaf = async ({ authority, names, usages, lifetime }: LeafOrder, issuedAt: number) => {
    const keys = await generateKeys({ kind: 'p256' });
    const validity = { notBefore: issuedAt - clockSkew, notAfter: issuedAt + lifetime };
    const certificate = await issueLeaf({ names, usages, publicKey: keys.publicKey, validity }, issuerOf(authority));
    return { certificate, privateKey: keys.privateKey, issuedAt, notAfter: validity.notAfter };
  };
  const work = (): void => {
    while (!stopped && working < concurrency) {
      const [name] = queue;
      if (name === undefined) break;
      queue.delete(name);
      working++;
      void carryOut(name).then(() => {
        working--;
        if (stopped) return;
        if (ready.size >= deliverySize || (queue.size === 0 && working === 0)) flush();
        work();
      });
    }
  };

  return {
    order(name, order) {
      const holder = holders.get(name);
      if (order === undefined) {
        holders.delete(name);
        queue.delete(name);
        ready.delete(name);
        if (holder !== undefined) settle(holder);
        return;
      }
      if (holder === undefined) holders.set(name, { order, issued: undefined, waiting: [], pending: true });
      else {
        if (holder.order === order) return;
        holder.order = order;
        holder.pending = true;
      }
      queue.add(name);
      work();
    },
    async settled(name) {
      const holder = holders.get(name);
      if (holder?.pending) await new Promise<void>((resolve) => holder.waiting.push(resolve));
    },
    stop() {
      stopped = true;
      renewal?.timer.stop();
      for (const holder of holders.values()) settle(holder);
    },
  };
}

function renewalTime({ issuedAt, notAfter }: IssuedLeaf): number {
  return issuedAt + (notAfter - issuedAt) * 0.8;
}
