// Keeps the copy in memory current: reads the log when a notification comes, and every two seconds asks whether one was missed.
// The question is also the heartbeat: a frozen server, a half-open connection and a demoted primary are noticed by it.
import { MeshError } from '@ursa/resources';
import { readHead } from './change-log.ts';
import type { Connection } from './connection.ts';
import type { Contact } from './contact.ts';
import { describeFailure } from './database-error.ts';
import type { ReplicatedContent } from './replicated-content.ts';
import { changesChannel } from './schema.ts';

/** What a follower works with. */
export interface FollowerOptions {
  /** Finds the primary anew; the connection must have been checked for the version of the tables. */
  readonly connect: () => Promise<Connection>;
  readonly replicated: ReplicatedContent;
  readonly contact: Contact;
  /** Brings the copy to a revision, from wherever; the connection is the primary's. */
  readonly catchUp: (primary: Connection, revision: number) => Promise<void>;
  /** The commit of our own that is on its way. */
  readonly ownCommit: () => string | undefined;
  /** Told when the server was lost: other connections to it are worth nothing. */
  readonly onLost: () => void;
}

/** Follows the log until it is stopped. */
export interface Follower {
  /** Asks the server now whether it is there. */
  check(): void;
  stop(): Promise<void>;
}

const heartbeatMilliseconds = 2_000;
const firstPause = 50;
const longestPause = 500;

/** Starts to follow on a connection to the primary. */
export function openFollower(first: Connection, options: FollowerOptions): Follower {
  const { replicated, contact } = options;
  let connection: Connection | undefined = first;
  let newest = 0;
  let heartbeatDue = false;
  let stopped = false;
  let pause = firstPause;
  let wake = (): void => undefined;

  /** Until something is to be done: a notification, a heartbeat, the end. */
  function rest(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        heartbeatDue = true;
        wake();
      }, milliseconds);
      wake = () => {
        clearTimeout(timer);
        wake = () => undefined;
        resolve();
      };
    });
  }

  function onNotification(payload: string): void {
    const [revision = '', id] = payload.split(' ');
    if (id === options.ownCommit()) return;
    newest = Math.max(newest, Number(revision) || 0);
    wake();
  }

  async function beat(current: Connection): Promise<void> {
    heartbeatDue = false;
    const head = await readHead(current);
    if (head.readOnly)
      throw new MeshError('unavailable', `PostgreSQL at ${current.server} became read-only: it was demoted`);
    const { revision, commitId } = replicated.position();
    const isOurs = head.commitId !== undefined && head.commitId === options.ownCommit();
    if (!isOurs && (head.revision !== revision || head.commitId !== commitId)) {
      await options.catchUp(current, head.revision);
    }
    if (contact.writesRefused()) {
      await current.query('update ursa.head set revision = revision').then(
        () => contact.acceptWrites(),
        (error) => contact.refuseWrites(describeFailure(error)),
      );
    }
    contact.confirm();
  }

  async function followOn(current: Connection): Promise<void> {
    let end: { readonly reason: unknown } | undefined;
    current.onEnd((reason) => {
      end = { reason };
      wake();
    });
    current.onNotification(onNotification);
    await current.query(`listen ${changesChannel}`);
    await beat(current);
    pause = firstPause;
    for (;;) {
      if (stopped) return;
      if (end !== undefined) throw end.reason;
      if (heartbeatDue) await beat(current);
      else if (newest > replicated.position().revision) {
        const wanted = newest;
        newest = 0;
        await options.catchUp(current, wanted);
      } else await rest(heartbeatMilliseconds);
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        connection ??= await options.connect();
        if (stopped) break;
        newest = 0;
        await followOn(connection);
      } catch (error) {
        if (stopped) break;
        contact.lose(describeFailure(error));
        options.onLost();
        connection?.close();
        connection = undefined;
        await rest(pause * (0.7 + Math.random() * 0.6));
        pause = Math.min(pause * 2, longestPause);
      }
    }
    connection?.close();
  }

  const running = run();
  return {
    check() {
      heartbeatDue = true;
      wake();
    },
    async stop() {
      stopped = true;
      wake();
      connection?.close();
      await running;
    },
  };
}
