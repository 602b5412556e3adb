// Brings together who knows that a proxy is missing (insights) and what keeps others from sending to it (xds).
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Clock } from './identity/clock.ts';
import { missingProxies } from './insights/missing-proxies.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';
import { isWithheld, withholdLost } from './xds/taking-traffic.ts';

/**
 * Composes it over the store of the leader. None where several instances share the store: when the machine of one is lost, its proxies serve on and need
 * up to 40 s to notice (decision 0196), so who is nowhere yet need not be dead.
 */
export function composeMissingProxies(settings: Settings, store: Store, clock: Clock, log: Log): readonly Component[] {
  if (settings.store.type === 'postgres') return [];
  const own = log.component('instances');
  const part = missingProxies({
    store,
    clock,
    withhold: (resource) => (isWithheld(resource) ? undefined : withholdLost(resource)),
    log: own,
    onError: (error) => own.error('proxies that are missing could not be withheld', { error }),
  });
  return [part];
}
