// Checks of `backendRefs`, which say where a route sends traffic.
import { type Report, validateTargetRef } from '@ursa/policy';
import type { BackendRef } from '@ursa/resources';

const kinds = ['MeshService', 'MeshServiceSubset', 'MeshExternalService', 'MeshMultiZoneService'] as const;

/** Reports what is wrong with one backend. */
export function checkBackendRef(ref: BackendRef, report: Report): void {
  validateTargetRef(ref, { kinds, inboundSection: false, listenerTags: false }, report);
  if (ref.kind === 'MeshMultiZoneService' && ref.port === undefined) {
    report.add('port', 'must be defined with kind MeshMultiZoneService');
  }
}
