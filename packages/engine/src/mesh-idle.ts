// Fields of a Mesh that can be written and do nothing yet: a proxy's configuration says so, instead of leaving its user to find out.
import type { MeshSpec } from '@ursa/resources';

interface IdleField {
  readonly field: string;
  readonly isSet: (spec: MeshSpec) => boolean;
  /** What works instead, or when it would count. */
  readonly advice: string;
}

const idleFields: readonly IdleField[] = [
  {
    field: 'tracing',
    isSet: ({ tracing }) => (tracing?.backends ?? []).length > 0,
    advice: 'use MeshTrace',
  },
  {
    field: 'logging',
    isSet: ({ logging }) => (logging?.backends ?? []).length > 0,
    advice: 'use MeshAccessLog',
  },
  {
    field: 'routing.localityAwareLoadBalancing',
    isSet: ({ routing }) => routing?.localityAwareLoadBalancing === true,
    advice: 'use MeshLoadBalancingStrategy',
  },
];

/** A sentence for each field of a Mesh that is set and has no effect. */
export function idleMeshFields(mesh: string, spec: MeshSpec): readonly string[] {
  return idleFields
    .filter(({ isSet }) => isSet(spec))
    .map(({ field, advice }) => `${field} of the Mesh ${mesh} has no effect yet: ${advice}`);
}
