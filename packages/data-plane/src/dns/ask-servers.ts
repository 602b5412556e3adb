// Asks the host's DNS servers: by UDP, by TCP when an answer does not fit, the next server when one does not answer. An answer counts only when it
// comes from the server that was asked, with the id and the question of the query.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { codeOf, isAnswerTo, isTruncated, type Query, responseCodes, withId } from './message.ts';
import type { ResolverRules } from './resolv-conf.ts';

/** Asks servers. */
export interface ServerAsker {
  /** Throws when none of them answers, or when too much is asked at once. */
  ask(query: Query): Promise<Buffer>;
}

const dnsPort = 53;
/** More questions than these at once are refused: each holds a socket. */
const mostAtOnce = 512;
/** Milliseconds for which a server that did not answer is asked last. */
const restFor = 10_000;

/** How it asks. */
export interface AskerOptions {
  readonly rules: () => ResolverRules;
  readonly now: () => number;
  /** Told when no server answers, and when one does again. */
  readonly onReachable: (reachable: boolean, reason: string) => void;
  /** Port of the servers; 53 but in tests. */
  readonly port?: number;
}

/** Opens it. */
export function openServerAsker({ rules, now, onReachable, port = dnsPort }: AskerOptions): ServerAsker {
  const failedAt = new Map<string, number>();
  const running = new Map<string, Promise<Buffer>>();
  let turn = 0;

  const inOrder = ({ servers, rotate }: ResolverRules): readonly string[] => {
    turn += 1;
    const first = rotate && servers.length > 0 ? turn % servers.length : 0;
    const ordered = [...servers.slice(first), ...servers.slice(0, first)];
    const rests = (server: string): boolean => now() - (failedAt.get(server) ?? Number.NEGATIVE_INFINITY) < restFor;
    return [...ordered.filter((server) => !rests(server)), ...ordered.filter(rests)];
  };
  const askAll = async (query: Query): Promise<Buffer> => {
    const current = rules();
    const servers = inOrder(current);
    let reason = servers.length === 0 ? 'no nameserver is configured' : '';
    let failure: Buffer | undefined;
    for (let attempt = 0; attempt < current.attempts; attempt += 1) {
      for (const server of servers) {
        try {
          const answer = await askOne({ host: server, port, within: current.timeout }, query);
          failedAt.delete(server);
          // Another server may do better; when none does, its word is passed on.
          if (codeOf(answer) === responseCodes.serverFailure) failure = answer;
          else return answer;
        } catch (cause) {
          failedAt.set(server, now());
          reason = `${server}: ${(cause as Error).message}`;
        }
      }
      if (failure !== undefined) return failure;
    }
    throw new Error(reason);
  };
  return {
    async ask(query) {
      // Who asks what is being asked already waits for the same answer. It also ends a question that comes back to us.
      const known = running.get(query.key);
      if (known !== undefined) return withId(await known, query.id);
      if (running.size >= mostAtOnce) throw new Error(`${mostAtOnce} questions wait for an answer already`);
      const asked = askAll(query);
      running.set(query.key, asked);
      try {
        const answer = await asked;
        onReachable(true, '');
        return withId(answer, query.id);
      } catch (cause) {
        onReachable(false, (cause as Error).message);
        throw cause;
      } finally {
        running.delete(query.key);
      }
    },
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
  /** Milliseconds. */
  readonly within: number;
}

async function askOne(target: Target, query: Query): Promise<Buffer> {
  const answer = await askByUdp(target, query);
  return isTruncated(answer) ? await askByTcp(target, query).catch(() => answer) : answer;
}

function askByUdp({ host, port, within }: Target, query: Query): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const id = randomInt(0x10000);
    // Connected: the kernel picks a port for this question alone, and drops what others send to it.
    const socket = createSocket(isIPv6(host.replace(/%.*$/, '')) ? 'udp6' : 'udp4');
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners('message');
      socket.on('error', () => undefined);
      socket.close();
      finish();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`no answer within ${within} ms`))), within);
    socket.on('error', (cause) => end(() => reject(cause)));
    socket.on('message', (answer) => {
      if (isAnswerTo(answer, query, id)) end(() => resolve(answer));
    });
    socket.connect(port, host, () => {
      socket.send(withId(query.bytes, id));
    });
  });
}

function askByTcp({ host, port, within }: Target, query: Query): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const id = randomInt(0x10000);
    const socket = connect({ host, port });
    const chunks: Buffer[] = [];
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      finish();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`no answer by TCP within ${within} ms`))), within);
    socket.on('error', (cause) => end(() => reject(cause)));
    socket.on('close', () => end(() => reject(new Error('the connection was closed'))));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
      const answer = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
      if (isAnswerTo(answer, query, id)) end(() => resolve(Buffer.from(answer)));
      else end(() => reject(new Error('the answer is to another question')));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.bytes.length);
    socket.write(Buffer.concat([length, withId(query.bytes, id)]));
  });
}
