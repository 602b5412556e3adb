// Connections that are kept for the next one who needs one. Grows on demand; what is idle, old or dead goes.
import { MeshError } from '@ursa/resources';
import type { Connection } from './connection.ts';

/** Limits of a pool; times are in milliseconds. */
export interface PoolOptions {
  readonly connect: () => Promise<Connection>;
  /** Kept open, also while nobody needs one. */
  readonly minOpen: number;
  /** 0: no limit. */
  readonly maxOpen: number;
  /** 0 or less: none is kept. */
  readonly maxIdle: number;
  readonly idleTime: number;
  readonly lifetime: number;
  /** Up to this much is added to the lifetime, so that not all connections are replaced at once. */
  readonly lifetimeJitter: number;
  /** How often idle connections are tried; 0: never. */
  readonly checkInterval: number;
}

/** A pool of connections. */
export interface Pool {
  /**
   * Lends a connection for the length of the work. After an error it is not used again, so work may leave a transaction open. Errors:
   * those of connecting and of the work; `unavailable` when none gets free in time.
   */
  use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result>;
  /** Drops what is open: the server is no longer the right one. */
  reset(): void;
  open(): number;
  close(): void;
}

interface Member {
  readonly connection: Connection;
  readonly retireAt: number;
  idleSince: number;
}

/** Who needs a connection waits no longer for one, in milliseconds. */
const patience = 1_500;

/** An empty pool; connections are opened when they are needed. */
export function openPool(options: PoolOptions): Pool {
  const { maxOpen, maxIdle, idleTime, lifetime, lifetimeJitter, checkInterval, minOpen } = options;
  const members = new Set<Member>();
  const idle: Member[] = [];
  const waiting: (() => void)[] = [];
  let opening = 0;
  let generation = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const isSpent = (member: Member): boolean => {
    const now = performance.now();
    const unused = idleTime > 0 && members.size > minOpen && now - member.idleSince >= idleTime;
    return member.connection.ended() || (lifetime > 0 && now >= member.retireAt) || unused;
  };

  function discard(member: Member): void {
    if (!members.delete(member)) return;
    const position = idle.indexOf(member);
    if (position >= 0) idle.splice(position, 1);
    member.connection.close();
    waiting.shift()?.();
  }

  async function add(): Promise<Member> {
    opening += 1;
    const asked = generation;
    try {
      const connection = await options.connect();
      const retireAt = performance.now() + lifetime + Math.random() * lifetimeJitter;
      const member = { connection, retireAt, idleSince: performance.now() };
      if (closed || asked !== generation) {
        connection.close();
        throw new MeshError(
          'unavailable',
          closed ? 'the store is closed' : 'the server was left while connecting to it',
        );
      }
      members.add(member);
      connection.onEnd(() => discard(member));
      return member;
    } finally {
      opening -= 1;
    }
  }

  async function acquire(): Promise<Member> {
    const deadline = performance.now() + patience;
    for (;;) {
      if (closed) throw new MeshError('unavailable', 'the store is closed');
      // The one used last, so that those not needed grow idle.
      const member = idle.pop();
      if (member !== undefined && !isSpent(member)) return member;
      if (member !== undefined) discard(member);
      else if (maxOpen === 0 || members.size + opening < maxOpen) return await add();
      else await turn(deadline);
    }
  }

  /** Waits until a connection is given back. */
  function turn(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(expiry);
        resolve();
      };
      const expiry = setTimeout(
        () => {
          waiting.splice(waiting.indexOf(done), 1);
          const limit = 'store.postgres.maxOpenConnections (KUMA_STORE_POSTGRES_MAX_OPEN_CONNECTIONS)';
          reject(new MeshError('unavailable', `all ${maxOpen} connections to the database are in use: raise ${limit}`));
        },
        Math.max(0, deadline - performance.now()),
      );
      waiting.push(done);
    });
  }

  function release(member: Member): void {
    member.idleSince = performance.now();
    if (closed || !members.has(member) || isSpent(member) || idle.length >= maxIdle) {
      discard(member);
      return;
    }
    idle.push(member);
    waiting.shift()?.();
    plan();
  }

  /** Sets the timer for the next look at idle connections, as long as there are any. */
  function plan(): void {
    if (closed || timer !== undefined || checkInterval <= 0 || (idle.length === 0 && minOpen === 0)) return;
    timer = setTimeout(() => {
      timer = undefined;
      void look().finally(plan);
    }, checkInterval);
    timer.unref();
  }

  async function look(): Promise<void> {
    for (const member of idle.filter(isSpent)) discard(member);
    const tried = idle.splice(0);
    await Promise.all(
      tried.map(async (member) => {
        const alive = await member.connection.query('select 1').then(
          () => true,
          () => false,
        );
        if (!alive || closed || !members.has(member)) discard(member);
        else {
          idle.unshift(member);
          waiting.shift()?.();
        }
      }),
    );
    while (!closed && members.size + opening < minOpen) {
      const member = await add().catch(() => undefined);
      if (member === undefined) return;
      idle.push(member);
    }
  }

  if (minOpen > 0) void look().finally(plan);
  return {
    async use(work) {
      const member = await acquire();
      try {
        const result = await work(member.connection);
        release(member);
        return result;
      } catch (error) {
        discard(member);
        throw error;
      }
    },
    reset() {
      generation += 1;
      for (const member of members) discard(member);
    },
    open: () => members.size,
    close() {
      closed = true;
      clearTimeout(timer);
      for (const member of idle.splice(0)) discard(member);
      for (const done of waiting.splice(0)) done();
    },
  };
}
