// Which instances of this control plane there are, which of them leads, and what only the leader does.
import { randomUUID } from 'node:crypto';
import { type ProxyId, proxyKeyOf } from '@ursa/engine';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import { tlsLimitsOf } from './config/tls-limits.ts';
import type { InstanceMetrics } from './diagnostics/component-metrics.ts';
import type { Clock } from './identity/clock.ts';
import { endedConnections } from './insights/ended-connections.ts';
import { insightKeyOf, type ProxyInsight } from './insights/insight.ts';
import { machineAddresses } from './insights/machine-addresses.ts';
import { offlineProxies } from './insights/offline-proxies.ts';
import { orphanedInsights } from './insights/orphaned-insights.ts';
import { balance } from './instances/balance.ts';
import { type InstanceCalls, noCalls, openInstanceCalls, type ServedCalls } from './instances/calls.ts';
import { openCatalog } from './instances/catalog.ts';
import { type Contact, openContact } from './instances/contact.ts';
import { openElection } from './instances/election.ts';
import { type Instance, type Instances, soleInstance } from './instances/instances.ts';
import { leaderOnly } from './instances/leader-only.ts';
import { ownAddress } from './instances/own-address.ts';
import { postgresCatalog } from './instances/postgres-catalog.ts';
import { onLeaseReleased, postgresLease } from './instances/postgres-lease.ts';
import type { Log } from './log.ts';
import { type Leadership, soleLeadership, storeOfLeader } from './store/leadership.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Pool } from './store/postgres/pool.ts';
import type { Store } from './store/store.ts';
import { resourceKeyOf } from './xds/registration.ts';
import { type StartingProxies, startingAnywhere } from './xds/starting-proxies.ts';
import { isExcused } from './xds/taking-traffic.ts';

/** What instances are composed of. */
export interface InstanceParts {
  readonly store: Store;
  /** Connections to the database that instances share; undefined: there is only this one. */
  readonly connections: Pick<Pool, 'use'> | undefined;
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly log: Log;
  readonly instanceId: string;
  /** This instance, as of now. Asked only when parts are started. */
  readonly describe: () => Omit<Instance, 'address' | 'port'>;
  readonly isConnectedHere: (proxyKey: string) => boolean;
  /** Keys of the proxies that are connected here. */
  readonly connected: () => readonly string[];
  readonly sendAway: (proxyKey: string) => void;
  /** This instance was silent for so long that the others took it for gone. */
  readonly onReturn: () => void;
  readonly metrics: InstanceMetrics;
}

/** The instances of this control plane as the rest of it sees them. */
export interface ComposedInstances {
  readonly leadership: Leadership;
  readonly instances: Instances;
  readonly calls: InstanceCalls;
  /** When the machines of the other instances were last reached. */
  readonly contact: Pick<Contact, 'lastWith'>;
  /** Id of the instance that has a proxy's connection, if another one has it. */
  holderOf(proxy: ProxyId): string | undefined;
  /** The store for what only the leader writes. */
  readonly leaderStore: Store;
  /** Makes a part run on the leader only. */
  led(part: Component): Component;
  /** What the leader does for all instances: it keeps the insights true and deregisters proxies that stay away. */
  readonly upkeep: readonly Component[];
  /** Says that this instance is there: before it takes connections, until it has none any more. */
  readonly presence: readonly Component[];
  /** What begins once everything runs and ends before anything stops: to seek the leadership, and to even out who has how many proxies. */
  readonly candidacy: readonly Component[];
  /** Where proxies that start are remembered, when others must know. */
  readonly starting: StartingProxies | undefined;
}

// Envoy takes up to 40 seconds to notice that the machine of its control plane is gone, and some to come to another one.
const shortestPatience = 60_000;

// Long enough for three attempts to renew it, short enough for another leader within ten seconds.
const leaseDuration = 6_000;

type Together = Pick<ComposedInstances, 'leadership' | 'instances' | 'calls' | 'contact' | 'presence' | 'candidacy'>;

/** By the database that instances share; without one this instance is alone and leads. */
function together(settings: Settings, parts: InstanceParts): Together {
  const { connections, store, live, clock, instanceId, onReturn } = parts;
  const { catalog: catalogSettings, balanceProxies, server } = settings.interCp;
  const log = parts.log.component('instances');
  if (connections === undefined) {
    return {
      leadership: soleLeadership,
      instances: soleInstance(instanceId, () => ({ ...parts.describe(), address: ownAddress(), port: 0 })),
      calls: noCalls,
      contact: { lastWith: () => undefined },
      presence: [],
      candidacy: [],
    };
  }
  const holder = `${instanceId}/${randomUUID()}`;
  const lease = postgresLease({ connections, store, holder, duration: leaseDuration });
  const election = openElection({ lease, clock, log });
  const calls: ServedCalls = openInstanceCalls({
    ...{ id: instanceId, live, clock, log },
    port: server.port,
    limits: tlsLimitsOf(server),
  });
  const address = catalogSettings.instanceAddress === '' ? ownAddress() : catalogSettings.instanceAddress;
  const catalog = openCatalog({
    table: postgresCatalog(connections),
    describe: () => ({ ...parts.describe(), address, port: calls.port }),
    leads: election.leads,
    id: instanceId,
    clock,
    interval: catalogSettings.heartbeatInterval,
    onReturn,
    onHeartbeat: parts.metrics.heartbeat,
    log,
  });
  const balanced = balance({
    ...{ catalog, clock, log, connected: parts.connected, sendAway: parts.sendAway },
    interval: catalogSettings.heartbeatInterval,
  });
  const contact = openContact({ catalog, clock, otherAddresses: machineAddresses(live) });
  let released: { stop(): void } | undefined;
  const candidacy: Component = {
    name: election.name,
    async start() {
      await election.start();
      released = onLeaseReleased(store, election.wake);
    },
    async stop() {
      released?.stop();
      await election.stop();
    },
  };
  return {
    leadership: election,
    instances: catalog,
    calls,
    contact,
    presence: [calls, contact, catalog],
    candidacy: balanceProxies ? [balanced, candidacy] : [candidacy],
  };
}

/** Composes them from the settings. */
export function composeInstances(settings: Settings, parts: InstanceParts): ComposedInstances {
  const { store, live, clock } = parts;
  const log = parts.log.component('instances');
  const { leadership, instances, calls, contact, presence, candidacy } = together(settings, parts);
  const leaderStore = storeOfLeader(store, leadership);
  const { resilientComponentBaseBackoff: base, resilientComponentMaxBackoff: max } = settings.general;
  const led = (part: Component): Component => leaderOnly(part, { leadership, clock, backoff: { base, max }, log });
  const { dataplaneCleanupAge, zoneResourceCleanupAge } = settings.runtime.universal;
  const onError = (error: unknown): void => log.error('insights could not be brought up to date', { error });
  const upkeep = [
    endedConnections({ store: leaderStore, live, instances, log, onError }),
    orphanedInsights({ store: leaderStore, live, onError }),
    offlineProxies({
      store: leaderStore,
      clock,
      patience: Math.max(shortestPatience, settings.xdsServer.dataplaneDeregistrationDelay),
      ages: { Dataplane: dataplaneCleanupAge, ZoneIngress: zoneResourceCleanupAge, ZoneEgress: zoneResourceCleanupAge },
      isExcused(key) {
        const resource = live.get(key);
        return resource !== undefined && isExcused(resource);
      },
      log,
      onError,
      onSwept: parts.metrics.swept,
    }),
  ];
  const starting = parts.connections && startingAnywhere(store, live);
  return {
    ...{ leadership, instances, calls, contact, leaderStore, led, presence, candidacy, starting },
    upkeep: upkeep.map(led),
    holderOf(proxy) {
      if (parts.isConnectedHere(proxyKeyOf(proxy))) return undefined;
      const insight = live.get(insightKeyOf(resourceKeyOf(proxy)))?.spec as ProxyInsight | undefined;
      return insight?.subscriptions.findLast(({ disconnectTime }) => disconnectTime === undefined)
        ?.controlPlaneInstanceId;
    },
  };
}
