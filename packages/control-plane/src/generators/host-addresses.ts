// Host names that stand where proxies have an address, looked up in DNS and looked up again, for as long as any do. A name that cannot be looked
// up any more keeps the address it had: an outage of DNS takes no endpoint away.
import { lookup as lookUp } from 'node:dns/promises';
import type { Source } from '@ursa/collections';
import { type DataplaneSpec, isIp, type Resource, type ZoneEgressSpec } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { LiveResources } from '../store/live-resources.ts';

/** What it works with. */
export interface HostAddressOptions {
  readonly live: LiveResources;
  readonly clock: Clock;
  /** IP addresses by host name; the engine reads them. */
  readonly addresses: Source<string>;
  /** Milliseconds for which an answer counts (`KUMA_GENERAL_DNS_CACHE_TTL`). */
  readonly timeToLive: number;
  /** All addresses of a host; throws when there is none. Default: the machine's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  /** Told when a name cannot be looked up, and when it can again; not every time. */
  readonly onFailure: (host: string, reason: string) => void;
  readonly onRecovery: (host: string) => void;
}

/** How long starting waits for the names that are there: without their addresses, clients would lose endpoints when a control plane starts. */
const startPatience = 2_000;

/** The component. */
export function hostAddresses(options: HostAddressOptions): Component {
  const { live, clock, addresses, timeToLive, lookup = everyAddress, onFailure, onRecovery } = options;
  const users = new Map<string, number>();
  const failing = new Set<string>();
  let timer: { stop(): void } | undefined;
  let changes: { stop(): void } | undefined;
  let stopped = false;

  const resolve = async (host: string): Promise<void> => {
    const found = await lookup(host).then(
      (all) => ({ all, reason: 'it has no address' }),
      (cause: Error) => ({ all: [] as readonly string[], reason: cause.message }),
    );
    if (stopped || !users.has(host)) return;
    const before = addresses.get(host);
    // The one that is used, as long as it is there: clients keep their connections.
    const address = before !== undefined && found.all.includes(before) ? before : preferred(found.all);
    if (address === undefined) {
      if (!failing.has(host)) onFailure(host, found.reason);
      failing.add(host);
      return;
    }
    if (failing.delete(host)) onRecovery(host);
    if (address !== before) addresses.set(host, address);
  };
  const arm = (): void => {
    if (timer !== undefined || stopped || users.size === 0) return;
    timer = clock.at(clock.now() + timeToLive, () => {
      timer = undefined;
      void Promise.all([...users.keys()].map(resolve)).then(arm);
    });
  };
  const count = (resource: Resource | undefined, by: 1 | -1): readonly string[] => {
    const hosts = hostsOf(resource);
    for (const host of hosts) {
      const number = (users.get(host) ?? 0) + by;
      if (number > 0) users.set(host, number);
      else forget(host);
    }
    return hosts;
  };
  const forget = (host: string): void => {
    users.delete(host);
    failing.delete(host);
    addresses.delete(host);
  };

  return {
    name: 'host-addresses',
    async start() {
      const there = ['Dataplane', 'ZoneEgress'].flatMap((type) => live.list(type)).flatMap((each) => count(each, 1));
      changes = live.onApplying((list) => {
        for (const { before, after } of list) {
          // Counted up first: a name that stays keeps its address.
          const hosts = count(after, 1);
          count(before, -1);
          for (const host of hosts) if (addresses.get(host) === undefined) void resolve(host);
        }
        arm();
      });
      const patience = new Promise<void>((done) => setTimeout(done, there.length === 0 ? 0 : startPatience).unref());
      await Promise.race([Promise.all([...new Set(there)].map(resolve)), patience]);
      arm();
    },
    async stop() {
      stopped = true;
      changes?.stop();
      timer?.stop();
    },
  };
}

/** Host names of a Dataplane or a zone egress where others reach it. */
function hostsOf(resource: Resource | undefined): readonly string[] {
  if (resource?.type !== 'Dataplane' && resource?.type !== 'ZoneEgress') return [];
  const { networking } = resource.spec as DataplaneSpec & ZoneEgressSpec;
  const all = [networking?.address ?? '', networking?.advertisedAddress ?? ''];
  return [...new Set(all)].filter((text) => text !== '' && !isIp(text));
}

async function everyAddress(host: string): Promise<readonly string[]> {
  return (await lookUp(host, { all: true })).map(({ address }) => address);
}

/** The same one for every control plane that asks: IPv4 first, then by their text. */
function preferred(all: readonly string[]): string | undefined {
  const sorted = [...all].sort();
  return sorted.find((address) => !address.includes(':')) ?? sorted[0];
}
