// When the machine of another instance was last reached: asked at each heartbeat, so that its silence later means something. Where a firewall stands
// between two machines, or an address leads nowhere, it was never reached.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import { type Answer, connectTo } from './ask-port.ts';
import type { Catalog } from './catalog.ts';
import type { KnownInstance } from './instances.ts';
import { isLoopback } from './own-address.ts';

/** What it asks with. */
export interface ContactOptions {
  readonly catalog: Pick<Catalog, 'onBeat' | 'self'>;
  readonly clock: Clock;
  /** Other addresses of an instance's machine: there nobody need listen at the port, its kernel says so. */
  readonly otherAddresses: (id: string) => readonly string[];
  readonly ask?: (address: string, port: number) => Promise<Answer>;
}

/** Contact with the machines of the other instances, as a part that asks them. */
export interface Contact extends Component {
  /** When the instance was last reached at an address of its machine, in the clock's milliseconds; undefined: never. */
  lastWith(id: string, address: string): number | undefined;
}

/** A machine has few addresses; a proxy may claim to be on any machine. */
const mostAddresses = 32;
/** What is older decides nothing any more. */
const forgetAfter = 5 * 60_000;

/** Opens it; nobody was reached. */
export function openContact({ catalog, clock, otherAddresses, ask = connectTo }: ContactOptions): Contact {
  const reached = new Map<string, number>();
  const asking = new Set<string>();
  let watch: { stop(): void } | undefined;

  const reach = ({ id, port }: KnownInstance, address: string, counts: readonly Answer[]): void => {
    const key = keyOf(id, address);
    if (asking.has(key)) return;
    const at = clock.now();
    asking.add(key);
    void ask(address, port).then((answer) => {
      asking.delete(key);
      if (counts.includes(answer)) reached.set(key, at);
    });
  };

  return {
    name: 'contact',
    lastWith: (id, address) => reached.get(keyOf(id, address)),
    async start() {
      watch = catalog.onBeat((living) => {
        for (const [key, at] of reached) if (clock.now() - at > forgetAfter) reached.delete(key);
        for (const instance of living) {
          if (instance.id === catalog.self || instance.port === 0) continue;
          reach(instance, instance.address, ['taken']);
          const others = otherAddresses(instance.id).filter((each) => each !== instance.address && !isLoopback(each));
          for (const address of others.slice(0, mostAddresses)) reach(instance, address, ['taken', 'refused']);
        }
      });
    },
    async stop() {
      watch?.stop();
    },
  };
}

function keyOf(id: string, address: string): string {
  return `${id} ${address}`;
}
