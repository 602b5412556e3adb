// Whether an instance that says nothing any more has ended. Its proxies know then, because the kernel ended their connections; of one that is frozen, cut
// off, or whose machine is lost, they need not know yet (decision 0243).
import { connect } from 'node:net';
import { hostname } from 'node:os';
import type { Instances } from './instances.ts';

const patience = 1_000;

/** Whether the instance of an id is known to have ended: it has left, another one is in its place, or its machine says that nobody listens there. */
export async function hasEnded(instances: Pick<Instances, 'list' | 'isLiving'>, id: string): Promise<boolean> {
  const all = instances.list();
  const instance = all.find((each) => each.id === id);
  // Who leaves in order takes its name along.
  if (instance === undefined) return true;
  if (instances.isLiving(instance)) return false;
  const { address, port } = instance;
  if (port === 0 || (isLoopback(address) && instance.hostname !== hostname())) return false;
  const isReplaced = all.some(
    (other) => other.id !== id && other.address === address && other.port === port && instances.isLiving(other),
  );
  return isReplaced || (await refuses(address, port));
}

/** True only when the machine answers that nobody listens: not when there is no answer. */
function refuses(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (refused: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(refused);
    };
    const timer = setTimeout(finish, patience, false);
    socket.once('connect', () => finish(false));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED'));
  });
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
