// What became of an instance that says nothing any more. While it runs its proxies may be with it still; once its process has ended they know. When its whole
// machine is lost those on other machines need not know yet, but the proxies on that machine are lost with it (decisions 0243, 0242).
import { hostname } from 'node:os';
import { type Answer, connectTo } from './ask-port.ts';
import type { Instances } from './instances.ts';

/** Where something listens. */
export interface Place {
  readonly address: string;
  readonly ports: readonly number[];
}

/** A machine of which nothing is heard: at no port that was asked it takes or refuses a connection. */
export interface SilentMachine {
  readonly address: string;
  /** Milliseconds since its instance last said that it lives. */
  readonly silence: number;
}

/** `ended`: its process has, and its proxies know. `unknown`: it may live. */
export type InstanceFate = 'ended' | 'unknown' | SilentMachine;

/** What is known of instances, and how machines are asked. */
export interface FateOptions {
  readonly instances: Pick<Instances, 'list' | 'isLiving'>;
  /** Milliseconds since a connection to the instance was last taken; undefined: it never was. */
  readonly sinceContact: (id: string) => number | undefined;
  /** Milliseconds in which an instance that lives is reached again. */
  readonly contactWithin: number;
  readonly ask?: (address: string, port: number) => Promise<Answer>;
}

/**
 * What is known of the instance of an id. It has ended when it has left, when another one is in its place, or when its machine says that nobody listens there.
 * Its machine is silent when it took connections of ours until the instance fell silent, and says nothing now. `others`: who else may be on its machine; each
 * is asked before that counts as lost.
 */
export async function fateOf(options: FateOptions, id: string, others: readonly Place[]): Promise<InstanceFate> {
  const { instances, sinceContact, contactWithin, ask = connectTo } = options;
  const all = instances.list();
  const instance = all.find((each) => each.id === id);
  // Who leaves in order takes its name along.
  if (instance === undefined) return 'ended';
  if (instances.isLiving(instance)) return 'unknown';
  const { address, port, silence } = instance;
  if (port === 0 || (isLoopback(address) && instance.hostname !== hostname())) return 'unknown';
  const isReplaced = all.some(
    (other) => other.id !== id && other.address === address && other.port === port && instances.isLiving(other),
  );
  if (isReplaced) return 'ended';
  const there = others.filter((other) => other.address === address).flatMap(({ ports }) => ports.slice(0, 1));
  const [own, ...rest] = await Promise.all([...new Set([port, ...there])].map((each) => ask(address, each)));
  if (own === 'refused') return 'ended';
  const isSilent = own === 'silence' && rest.every((answer) => answer === 'silence');
  // Where we were never let in, silence says nothing.
  const wasReached = (sinceContact(id) ?? Number.POSITIVE_INFINITY) - silence <= contactWithin;
  return isSilent && wasReached && !isLoopback(address) ? { address, silence } : 'unknown';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
