// Deployments that are not built yet are refused at the start: half a multi-zone deployment would be worse than none.
import { MeshError } from '@ursa/resources';
import type { Settings } from './config/settings.ts';

/** Throws `MeshError('unsupported')` when the settings ask for more than there is. */
export function refuseUnsupported(settings: Settings): void {
  if (settings.general.workers > 1) refuseUnsharable(settings);
  if (settings.mode === 'global') {
    throw new MeshError(
      'unsupported',
      'mode (KUMA_MODE): a global control plane comes with multi-zone, which is not built yet; use zone',
    );
  }
  if (settings.multizone.zone.globalAddress !== '') {
    throw new MeshError(
      'unsupported',
      'multizone.zone.globalAddress (KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS): joining a global control plane comes with multi-zone, which is not built yet; leave it empty',
    );
  }
  if (settings.environment === 'kubernetes') {
    throw new MeshError('unsupported', 'environment (KUMA_ENVIRONMENT): kubernetes is not built yet; use universal');
  }
}

/** Several processes share one store and the ports. */
function refuseUnsharable({ general, store, apiServer, dpServer, diagnostics }: Settings): void {
  const workers = `general.workers (KUMA_GENERAL_WORKERS, --workers): ${general.workers} processes`;
  if (store.type !== 'postgres') {
    const remedy = 'use KUMA_STORE_TYPE=postgres, or one worker';
    throw new MeshError(
      'unsupported',
      `${workers} cannot share the ${store.type} store, which one process owns: ${remedy}`,
    );
  }
  if (apiServer.http.port === 0 || apiServer.https.port === 0 || dpServer.port === 0) {
    throw new MeshError(
      'invalid',
      `${workers} share ports that are known: give apiServer.*.port and dpServer.port other than 0`,
    );
  }
  if (diagnostics.tlsEnabled) {
    const remedy = 'leave diagnostics.tlsEnabled (KUMA_DIAGNOSTICS_TLS_ENABLED) off';
    throw new MeshError('unsupported', `${workers} have their diagnostics gathered over plain HTTP only: ${remedy}`);
  }
}
