// When another instance was last reached at its port for calls: asked at each heartbeat, so that its silence later means something. Where a firewall stands
// between two instances, or one has given an address that leads nowhere, it was never reached.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import { type Answer, connectTo } from './ask-port.ts';
import type { Catalog } from './catalog.ts';

/** What it asks with. */
export interface ContactOptions {
  readonly catalog: Pick<Catalog, 'onBeat' | 'self'>;
  readonly clock: Clock;
  readonly ask?: (address: string, port: number) => Promise<Answer>;
}

/** Contact with the other instances, as a part that asks them. */
export interface Contact extends Component {
  /** When a connection to the instance was last taken, in the clock's milliseconds; undefined: never. */
  lastWith(id: string): number | undefined;
}

/** Opens it; nobody was reached. */
export function openContact({ catalog, clock, ask = connectTo }: ContactOptions): Contact {
  const reached = new Map<string, number>();
  const asking = new Set<string>();
  let watch: { stop(): void } | undefined;

  return {
    name: 'contact',
    lastWith: (id) => reached.get(id),
    async start() {
      watch = catalog.onBeat((living) => {
        for (const { id, address, port } of living) {
          if (id === catalog.self || port === 0 || asking.has(id)) continue;
          const at = clock.now();
          asking.add(id);
          void ask(address, port).then((answer) => {
            asking.delete(id);
            if (answer === 'taken') reached.set(id, at);
          });
        }
      });
    },
    async stop() {
      watch?.stop();
    },
  };
}
