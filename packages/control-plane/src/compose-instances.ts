// Which instances of this control plane there are, which of them leads, and what only the leader does.
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import { endedConnections } from './insights/ended-connections.ts';
import { offlineProxies } from './insights/offline-proxies.ts';
import { orphanedInsights } from './insights/orphaned-insights.ts';
import { type Instance, type Instances, soleInstance } from './instances/instances.ts';
import { leaderOnly } from './instances/leader-only.ts';
import type { Log } from './log.ts';
import { type Leadership, soleLeadership, storeOfLeader } from './store/leadership.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';

/** What instances are composed of. */
export interface InstanceParts {
  readonly store: Store;
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly log: Log;
  readonly instanceId: string;
  /** This instance, as of now. Asked only when parts are started. */
  readonly describe: () => Instance;
}

/** The instances of this control plane as the rest of it sees them. */
export interface ComposedInstances {
  readonly leadership: Leadership;
  readonly instances: Instances;
  /** The store for what only the leader writes. */
  readonly leaderStore: Store;
  /** Makes a part run on the leader only. */
  led(part: Component): Component;
  /** What the leader does for all instances: it keeps the insights true and deregisters proxies that stay away. */
  readonly upkeep: readonly Component[];
}

// Envoy takes up to 40 seconds to notice that the machine of its control plane is gone, and some to come to another one.
const shortestPatience = 60_000;

/** Composes them from the settings. */
export function composeInstances(settings: Settings, parts: InstanceParts): ComposedInstances {
  const { store, live, clock } = parts;
  const log = parts.log.component('instances');
  const leadership = soleLeadership;
  const instances = soleInstance(parts.instanceId, parts.describe);
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
      log,
      onError,
    }),
  ];
  return { leadership, instances, leaderStore, led, upkeep: upkeep.map(led) };
}
