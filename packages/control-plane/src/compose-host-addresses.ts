// Host names that proxies have for an address, looked up as the settings say.
import type { Source } from '@ursa/collections';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import { hostAddresses } from './generators/host-addresses.ts';
import type { Clock } from './identity/clock.ts';
import type { Log } from './log.ts';
import type { LiveResources } from './store/live-resources.ts';

/** The component. Every instance of a control plane has its own. */
export function composeHostAddresses(
  { general }: Settings,
  parts: {
    readonly live: LiveResources;
    readonly clock: Clock;
    readonly addresses: Source<string>;
    readonly log: Log;
  },
): Component {
  const log = parts.log.component('host-addresses');
  return hostAddresses({
    ...parts,
    timeToLive: general.dnsCacheTTL,
    onFailure: (host, reason) => log.warn('the address of a proxy cannot be looked up', { host, reason }),
    onRecovery: (host) => log.info('the address of a proxy can be looked up again', { host }),
  });
}
