// Deployments that are not built yet are refused at the start: half a multi-zone deployment would be worse than none.
import { MeshError } from '@ursa/resources';
import type { Settings } from './config/settings.ts';

/** Throws `MeshError('unsupported')` when the settings ask for more than there is. */
export function refuseUnsupported(settings: Settings): void {
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
