// Puts writes into the database: what arrives while a commit is on its way goes together in the next one. Nobody waits over two seconds.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import { answerGroup, type GroupPlan, type PendingWrite, planGroup } from '../plan-group.ts';
import type { Sealer } from '../sealing/sealer.ts';
import type { Commit } from '../serial-store.ts';
import type { StoreWrite, WriteDecision, WriteResult } from '../store.ts';
import { commitChanges, isCommitted } from './change-log.ts';
import { type Connection, lockTimeout } from './connection.ts';
import type { Contact } from './contact.ts';
import { databaseError, describeFailure, failureKind } from './database-error.ts';
import type { Pool } from './pool.ts';
import type { ReplicatedContent } from './replicated-content.ts';

/** What a writer works with. */
export interface WriterOptions {
  readonly pool: Pool;
  readonly replicated: ReplicatedContent;
  readonly contact: Contact;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly onCommit?: ((commit: Commit) => void) | undefined;
  /** Told when the database did not answer as it should: contact may be lost. */
  readonly onTrouble: () => void;
}

/** Takes writes in the order in which they come. */
export interface Writer {
  write(writes: readonly StoreWrite[] | WriteDecision): Promise<WriteResult>;
  /** The commit on its way, if any. Its answer will bring what it changed. */
  commitId(): string | undefined;
  /** Refuses further writes, and waits for those that were taken. */
  close(): Promise<void>;
}

/** A caller is answered after this at the latest, in milliseconds: also when it is not known what became of the write. */
const patience = 1_800;

interface WaitingWrite extends PendingWrite {
  answered: boolean;
}

/** A commit that was sent. What became of it is not known until the database has answered. */
interface Attempt {
  readonly id: string;
  readonly expected: number;
  readonly plan: GroupPlan<WaitingWrite>;
}

type Outcome = 'done' | 'overtaken';

/** Whether nobody wanted to change anything: such decisions are made on what is in memory, as reads are. */
function isQuestion({ accepted, refused }: GroupPlan<PendingWrite>): boolean {
  return refused.length === 0 && accepted.every(({ plan }) => plan.resources.length === 0);
}

/** Opens the writer of a store. */
export function openWriter({ pool, replicated, contact, sealer, now, onCommit, onTrouble }: WriterOptions): Writer {
  let pending: WaitingWrite[] = [];
  let flush: Promise<void> | undefined;
  let attempt: Attempt | undefined;
  let begun = 0;
  let lastTrouble = '';
  let closed = false;

  function waiting(
    write: readonly StoreWrite[] | WriteDecision,
    resolve: WaitingWrite['resolve'],
    reject: WaitingWrite['reject'],
  ) {
    const timer = setTimeout(() => waitingWrite.reject(expiry(waitingWrite)), patience);
    const settle = (answer: () => void): void => {
      waitingWrite.answered = true;
      clearTimeout(timer);
      answer();
    };
    const waitingWrite: WaitingWrite = {
      writes: write,
      answered: false,
      resolve: (result) => settle(() => resolve(result)),
      reject: (error) => settle(() => reject(error)),
    };
    return waitingWrite;
  }

  function expiry(write: WaitingWrite): MeshError {
    const isSent =
      attempt?.plan.accepted.some((accepted) => accepted.write === write && accepted.plan.changes.length > 0) === true;
    const reason = lastTrouble === '' ? '' : `: ${lastTrouble}`;
    return new MeshError(
      'unavailable',
      isSent
        ? `the database did not confirm the write in time, so it is not known whether it was stored${reason}; read it again before repeating it`
        : `the database could not be written in time, nothing was stored${reason}`,
    );
  }

  /** While the database is known to be away, only questions are answered; a write is refused at once. */
  function answerWithoutContact(write: PendingWrite): void {
    const plan = planGroup([write], replicated.content.resources, replicated.position().revision, now);
    if (isQuestion(plan)) answerGroup(plan, replicated.position().revision);
    else {
      const health = contact.health();
      const cause = health.ok ? '' : ` since ${health.since}: ${health.reason}`;
      write.reject(new MeshError('unavailable', `the database cannot be reached${cause}; nothing was stored`));
    }
  }

  async function flushAll(): Promise<void> {
    // One turn of the event loop gathers every write whose request is already in the socket buffers.
    await new Promise((resolve) => setImmediate(resolve));
    while (pending.length > 0) {
      const group = pending.filter(({ answered }) => !answered);
      pending = [];
      await settle(group);
    }
    flush = undefined;
  }

  /** Works on a group until all of its writes are answered. */
  async function settle(group: readonly WaitingWrite[]): Promise<void> {
    begun = performance.now();
    let pause = 20;
    let inLine = false;
    for (;;) {
      const open = group.filter(({ answered }) => !answered);
      if (open.length === 0) break;
      try {
        const outcome =
          attempt === undefined ? await (inLine ? commitInLine(open) : commitAtOnce(open)) : await repeat(attempt);
        if (outcome === 'done') break;
        inLine = true;
      } catch (error) {
        if (!handleFailure(error, open)) break;
        await sleep(pause);
        pause = Math.min(pause * 2, 200);
      }
    }
    attempt = undefined;
  }

  /** Whether it is worth trying again. */
  function handleFailure(error: unknown, open: readonly WaitingWrite[]): boolean {
    const kind = failureKind(error);
    lastTrouble = describeFailure(error);
    if (kind === 'gone') {
      onTrouble();
      if ((contact.lostFor() ?? 0) < patience) return true;
    }
    // Once more, unless the time left is too short for another lock that is not granted: an answer now is certain, one cut off is not.
    if (kind === 'busy' && performance.now() - begun + lockTimeout < patience) return true;
    const failure = databaseError('cannot write to the store', error);
    if (kind !== 'gone' && kind !== 'busy') contact.refuseWrites(failure.message);
    for (const write of open) write.reject(attempt === undefined ? failure : expiry(write));
    return false;
  }

  /** Decides on what is in memory, and commits if that is still what the database holds: one round trip. */
  async function commitAtOnce(open: readonly WaitingWrite[]): Promise<Outcome> {
    const expected = replicated.position().revision;
    const plan = planGroup(open, replicated.content.resources, expected, now);
    if (isQuestion(plan)) return finish({ id: '', expected, plan });
    return await pool.use((connection) => submit(connection, { id: randomUUID(), expected, plan }));
  }

  /** Holds everybody else back while it decides, so that it cannot be overtaken again. */
  function commitInLine(open: readonly WaitingWrite[]): Promise<Outcome> {
    return pool.use(async (connection) => {
      await replicated.catchUp(connection);
      await connection.query('begin');
      await connection.query('select from ursa.head for update');
      const upToDate = await replicated.follow(connection);
      const expected = replicated.position().revision;
      const plan = planGroup(upToDate ? open : [], replicated.content.resources, expected, now);
      const next = { id: randomUUID(), expected, plan };
      const found = await commitChanges(connection, expected, next.id, plan.changes, sealer);
      if (!upToDate || found !== expected) {
        await connection.query('rollback');
        return 'overtaken';
      }
      attempt = next;
      await connection.query('commit');
      return finish(next);
    });
  }

  async function submit(connection: Connection, next: Attempt): Promise<Outcome> {
    attempt = next;
    try {
      const found = await commitChanges(connection, next.expected, next.id, next.plan.changes, sealer);
      if (found === next.expected) return finish(next);
      attempt = undefined;
      return 'overtaken';
    } catch (error) {
      // An answer of the server, whatever it says, means that nothing was written.
      if (failureKind(error) !== 'gone') attempt = undefined;
      throw error;
    }
  }

  /** Finds out what became of a commit, by asking for the same again: one revision is given out once. */
  function repeat(sent: Attempt): Promise<Outcome> {
    return pool.use(async (connection) => {
      const found = await commitChanges(connection, sent.expected, sent.id, sent.plan.changes, sealer);
      if (found === sent.expected || (await isCommitted(connection, sent.expected, sent.id))) return finish(sent);
      attempt = undefined;
      return 'overtaken';
    });
  }

  function finish({ id, plan }: Attempt): Outcome {
    attempt = undefined;
    lastTrouble = '';
    if (plan.changes.length > 0) {
      contact.acceptWrites();
      onCommit?.({ milliseconds: performance.now() - begun, writes: plan.accepted.length });
      replicated.applyCommit(plan.changes, id);
    }
    answerGroup(plan, replicated.position().revision);
    return 'done';
  }

  return {
    write(writes) {
      if (closed) return Promise.reject(new MeshError('unavailable', 'the store is closed'));
      return new Promise((resolve, reject) => {
        if ((contact.lostFor() ?? 0) >= patience) {
          answerWithoutContact({ writes, resolve, reject });
          return;
        }
        pending.push(waiting(writes, resolve, reject));
        flush ??= flushAll();
      });
    },
    commitId: () => attempt?.id,
    async close() {
      closed = true;
      await flush;
    },
  };
}
