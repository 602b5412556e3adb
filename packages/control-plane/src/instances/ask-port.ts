// What a machine says to a new connection. Its kernel answers, however busy or frozen the programs on it are.
import { connect } from 'node:net';

/** `silence`: nobody there answers. `unclear`: it could not be asked. */
export type Answer = 'taken' | 'refused' | 'silence' | 'unclear';

// A second in all. Counted in turns of the event loop: when this process got no time meanwhile, the answer may be there already and is read first.
const turns = 5;
const turn = 200;
const silenceCodes: ReadonlySet<string | undefined> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN']);

/** Asks once, for a second, and says nothing over the connection. */
export function connectTo(host: string, port: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let timer: NodeJS.Timeout;
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const wait = (left: number): void => {
      timer = setTimeout(() => (left === 0 ? finish('silence') : wait(left - 1)), turn);
    };
    wait(turns - 1);
    socket.once('connect', () => finish('taken'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') finish('refused');
      // Where there is no way out at all, it is our own network that is broken.
      else finish(silenceCodes.has(code) ? 'silence' : 'unclear');
    });
  });
}
