// What became of an instance that says nothing any more. While it runs its proxies may be with it still; once its process has ended they know. When its whole
// machine is lost those on other machines need not know yet, but the proxies on that machine are lost with it (decisions 0243, 0242).
import { hostname } from 'node:os';
import { type Answer, connectTo } from './ask-port.ts';
import type { Instances } from './instances.ts';
import { isLoopback } from './own-address.ts';

/** Where something listens. */
export interface Place {
  readonly address: string;
  readonly ports: readonly number[];
}

/** Where a proxy of an instance is. */
export interface ProxyOfInstance extends Place {
  /** It is on the instance's machine, as both have said. */
  readonly sharesMachine: boolean;
}

/** A machine of which nothing is heard: at no port that was asked it takes or refuses a connection. */
export interface SilentMachine {
  /** Where it is silent: at the instance's address, and at others of its machine where it answered before. */
  readonly addresses: readonly string[];
  /** Milliseconds since its instance last said that it lives. */
  readonly silence: number;
}

/** `ended`: its process has, and its proxies know. `unknown`: it may live. */
export type InstanceFate = 'ended' | 'unknown' | SilentMachine;

/** What is known of instances, and how machines are asked. */
export interface FateOptions {
  readonly instances: Pick<Instances, 'list' | 'isLiving'>;
  /** Milliseconds since the instance was last reached at an address of its machine; undefined: it never was. */
  readonly sinceContact: (id: string, address: string) => number | undefined;
  /** Milliseconds in which an instance that lives is reached again. */
  readonly contactWithin: number;
  readonly ask?: (address: string, port: number) => Promise<Answer>;
}

/**
 * What is known of the instance of an id. It has ended when it has left, when another one is in its place, or when its machine says that nobody listens there.
 * Its machine is silent when it took connections of ours until the instance fell silent, and says nothing now. `proxies`: those that were with it; whoever
 * is on its machine is asked before that counts as lost. An address of the machine's own is judged by itself: the instance's network may be broken, and that
 * of its proxies not.
 */
export async function fateOf(
  options: FateOptions,
  id: string,
  proxies: readonly ProxyOfInstance[],
): Promise<InstanceFate> {
  const { instances, sinceContact, contactWithin, ask = connectTo } = options;
  const all = instances.list();
  const instance = all.find((each) => each.id === id);
  // Who leaves in order takes its name along.
  if (instance === undefined) return 'ended';
  if (instances.isLiving(instance)) return 'unknown';
  const { address: own, port, silence } = instance;
  if (port === 0 || (isLoopback(own) && instance.hostname !== hostname())) return 'unknown';
  const isReplaced = all.some(
    (other) => other.id !== id && other.address === own && other.port === port && instances.isLiving(other),
  );
  if (isReplaced) return 'ended';
  // Where we were never let in, silence says nothing.
  const wasReached = (address: string): boolean =>
    !isLoopback(address) && (sinceContact(id, address) ?? Number.POSITIVE_INFINITY) - silence <= contactWithin;
  const beside = proxies.filter(({ address, sharesMachine }) => sharesMachine && wasReached(address));
  const addresses = [...new Set([own, ...beside.map(({ address }) => address)])];
  const asked = addresses.map(async (address) => {
    const there = proxies.filter((each) => each.address === address).flatMap(({ ports }) => ports.slice(0, 1));
    return Promise.all([...new Set([port, ...there])].map((each) => ask(address, each)));
  });
  const answers = await Promise.all(asked);
  if (answers[0]?.[0] === 'refused') return 'ended';
  const silent = addresses.filter((_, position) => answers[position]?.every((answer) => answer === 'silence'));
  return silent.includes(own) && wasReached(own) ? { addresses: silent, silence } : 'unknown';
}
