// Checks of `backendRefs`, which say where a route sends traffic.
import { type Report, validateTargetRef } from '@ursa/policy';
import type { BackendRef } from '@ursa/resources';

const kinds = ['MeshService', 'MeshServiceSubset', 'MeshExternalService', 'MeshMultiZoneService'] as const;

/** Envoy holds weights in 32 bits. */
export const largestWeight = 4_294_967_295;

/** Reports what is wrong with one backend. */
export function checkBackendRef(ref: BackendRef, report: Report): void {
  validateTargetRef(ref, { kinds, inboundSection: false, listenerTags: false }, report);
  if (ref.kind === 'MeshMultiZoneService' && ref.port === undefined) {
    report.add('port', 'must be defined with kind MeshMultiZoneService');
  }
  if (ref.weight !== undefined && ref.weight > largestWeight) report.add('weight', `must be at most ${largestWeight}`);
}
