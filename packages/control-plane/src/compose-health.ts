// Health discovery: the server that hears what proxies find (xds), and what they find written down (insights).
import type { Settings } from './config/settings.ts';
import { type InboundHealthWriter, openInboundHealth } from './insights/inbound-health.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';

/** Composes it; nothing when proxies are not asked to probe. */
export function composeHealth(settings: Settings, store: Store, log: Log): readonly InboundHealthWriter[] {
  if (!settings.dpServer.hds.enabled) return [];
  const own = log.component('health');
  const onError = (error: unknown): void =>
    own.error('what probes have found could not be written; it is tried again', { error });
  return [openInboundHealth({ store, onError })];
}
