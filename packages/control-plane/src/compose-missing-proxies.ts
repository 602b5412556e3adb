// Brings together who knows that a proxy is missing (insights) and what keeps others from sending to it (xds).
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import { missingProxies } from './insights/missing-proxies.ts';
import { silentIntervals } from './instances/catalog.ts';
import { hasEnded } from './instances/has-ended.ts';
import type { Instances } from './instances/instances.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';
import { isWithheld, withholdLost } from './xds/taking-traffic.ts';

/** Milliseconds in which a fleet that lives is back, after the start of a control plane or the end of an instance. */
const untilBack = 11_000;
/** An instance that is known to be gone has ended this long ago: whoever lives is with another one since long. */
const shortest = 1_000;

/** What it is composed of. */
export interface MissingProxiesParts {
  /** The store as the leader writes it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The instances that share the store; undefined: there is only this one. */
  readonly instances: Instances | undefined;
}

/**
 * Composes it. When the machine of an instance is lost, its proxies serve on and need up to 40 s to notice, so who is nowhere is dead for sure only when
 * its instance has ended (decision 0243).
 */
export function composeMissingProxies(
  { interCp }: Pick<Settings, 'interCp'>,
  { store, clock, log, instances }: MissingProxiesParts,
): Component {
  const knownGone = silentIntervals * interCp.catalog.heartbeatInterval;
  const own = log.component('instances');
  return missingProxies({
    store,
    clock,
    patience: instances === undefined ? untilBack : Math.max(shortest, untilBack - knownGone),
    patienceAfterOutage: untilBack,
    notBefore: clock.now() + untilBack,
    hasEnded: instances && ((id) => hasEnded(instances, id)),
    withhold: (resource) => (isWithheld(resource) ? undefined : withholdLost(resource)),
    log: own,
    onError: (error) => own.error('proxies that are missing could not be withheld', { error }),
  });
}
