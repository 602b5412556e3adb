// Writes down which virtual addresses are in use, so that they outlive a restart, and their services by a day. Runs on the leader.
import type { Graph, Source } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import { kriOf, meshExternalService, meshMultiZoneService, meshService, type ResourceType } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import {
  type AddressLeases,
  formatLeases,
  leasesKey,
  nextExpiry,
  readLeases,
  tagPool,
  updateLeases,
} from './address-leases.ts';

export interface AddressKeeperInputs {
  /** Paced, see `openPacedResources`. */
  readonly live: LiveResources;
  /** Graph of `vips`. */
  readonly graph: Graph;
  /** Addresses of services that are known by their tag. */
  readonly vips: Source<ServiceVip>;
  readonly store: Store;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

const kinds: readonly ResourceType[] = [meshService, meshExternalService, meshMultiZoneService];
// A service and its address arrive in several writes; a burst of services is written down once.
const pause = 500;
const retryAfter = 5000;

/** The component. */
export function addressKeeper({ live, graph, vips, store, clock, onFailure }: AddressKeeperInputs): Component {
  const addressOf = live.graph.derive('address-in-use', (type: string, key: string) =>
    statusAddress(live.resources(type).get(key)?.status),
  );
  const ofKinds = live.graph.derive('addresses-in-use', () =>
    kinds.map((kind) => [kind.name, namedAddresses(kind, live, (key) => addressOf.get(kind.name, key))] as const),
  );
  const ofTags = graph.derive('tag-addresses-in-use', () =>
    vips.keys().flatMap((key): [string, string][] => {
      const address = vips.get(key)?.address;
      return address === undefined ? [] : [[key, address]];
    }),
  );
  let watches: readonly { stop(): void }[] = [];
  let timer: { stop(): void } | undefined;
  // Apart from the other: a range that is full gives no reason to look again before a lease is over.
  let expiry: { stop(): void } | undefined;
  let writing: Promise<void> = Promise.resolve();

  const schedule = (after: number): void => {
    timer ??= clock.at(clock.now() + after, () => {
      timer = undefined;
      writing = writing.then(write);
    });
  };
  const write = async (): Promise<void> => {
    const inUse = new Map([...ofKinds.get(), [tagPool, new Map(ofTags.get())] as const]);
    try {
      let leases: AddressLeases = new Map();
      await store.write((content) => {
        const stored = readLeases(content.get(leasesKey));
        leases = updateLeases(stored, inUse, clock.now());
        if (leases === stored) return [];
        return [{ kind: 'put', resource: { ...leasesKey, labels: {}, spec: formatLeases(leases) } }];
      });
      expiry?.stop();
      const next = watches.length === 0 ? undefined : nextExpiry(leases);
      expiry = next === undefined ? undefined : clock.at(next, () => schedule(pause));
    } catch (error) {
      onFailure(error);
      if (watches.length > 0) schedule(retryAfter);
    }
  };
  return {
    name: 'address-keeper',
    async start() {
      watches = [live.graph.watch(ofKinds, [], () => schedule(pause)), graph.watch(ofTags, [], () => schedule(pause))];
      schedule(pause);
    },
    async stop() {
      for (const watch of watches) watch.stop();
      watches = [];
      timer?.stop();
      timer = undefined;
      await writing;
      expiry?.stop();
    },
  };
}

function namedAddresses(
  kind: ResourceType,
  live: LiveResources,
  addressOf: (key: string) => string | undefined,
): ReadonlyMap<string, string> {
  const resources = live.resources(kind.name);
  return new Map(
    resources.keys().flatMap((key): [string, string][] => {
      const [resource, address] = [resources.get(key), addressOf(key)];
      return resource === undefined || address === undefined ? [] : [[kriOf(kind, resource) ?? key, address]];
    }),
  );
}

function statusAddress(status: unknown): string | undefined {
  const { vips, vip } = (status ?? {}) as {
    readonly vips?: readonly { readonly ip?: string }[];
    readonly vip?: { readonly ip?: string };
  };
  return vips?.[0]?.ip ?? vip?.ip;
}
