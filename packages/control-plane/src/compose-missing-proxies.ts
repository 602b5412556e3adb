// Brings together who knows that a proxy is missing (insights) and what keeps others from sending to it (xds).
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import { missingProxies } from './insights/missing-proxies.ts';
import { placeOf } from './insights/proxy-place.ts';
import { silentIntervals } from './instances/catalog.ts';
import type { Contact } from './instances/contact.ts';
import { fateOf } from './instances/instance-fate.ts';
import type { Instances } from './instances/instances.ts';
import type { Log } from './log.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';
import { isExcused, isWithheld, withholdLost } from './xds/taking-traffic.ts';

/** Milliseconds in which a fleet that lives is back, after the start of a control plane or the end of an instance. */
const untilBack = 11_000;
/** An instance that is known to be gone has ended this long ago: whoever lives is with another one since long. */
const shortest = 500;

/** What it is composed of. */
export interface MissingProxiesParts {
  /** The store as the leader writes it. */
  readonly store: Store;
  readonly live: Pick<LiveResources, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The instances that share the store; undefined: there is only this one. */
  readonly instances: Instances | undefined;
  /** When the machines of the others were last reached. */
  readonly contact: Pick<Contact, 'lastWith'>;
}

/** An instance that lives is reached at one of so many heartbeats. */
const contactIntervals = 3;

/**
 * Composes it. When the machine of an instance is lost, its proxies on other machines serve on and may not have noticed yet, so who is nowhere is dead for sure
 * only when its instance has ended (decision 0243), or when it was on that very machine (decision 0242).
 */
export function composeMissingProxies(
  { interCp }: Pick<Settings, 'interCp'>,
  { store, live, clock, log, instances, contact }: MissingProxiesParts,
): Component {
  const knownGone = silentIntervals * interCp.catalog.heartbeatInterval;
  const contactWithin = contactIntervals * interCp.catalog.heartbeatInterval;
  const sinceContact = (id: string, address: string): number | undefined => {
    const last = contact.lastWith(id, address);
    return last === undefined ? undefined : clock.now() - last;
  };
  const own = log.component('instances');
  return missingProxies({
    store,
    clock,
    patience: instances === undefined ? untilBack : Math.max(shortest, untilBack - knownGone),
    patienceAfterOutage: untilBack,
    notBefore: clock.now() + untilBack,
    fateOf: instances && ((id, proxies) => fateOf({ instances, sinceContact, contactWithin }, id, proxies)),
    placeOf(key) {
      const resource = live.get(key);
      return resource && placeOf(resource);
    },
    isExcused(key) {
      const resource = live.get(key);
      return resource !== undefined && isExcused(resource);
    },
    withhold: (resource) => (isWithheld(resource) ? undefined : withholdLost(resource)),
    log: own,
    onError: (error) => own.error('proxies that are missing could not be withheld', { error }),
  });
}
