// The resource types by name, for the commands that need no more: the policies' schemas come with all of Envoy's API, which takes longer to
// load than most commands take to run. `apply` loads them; a check keeps the list of names equal to theirs.
import {
  accessResourceTypes,
  coreResourceTypes,
  createResourceTypes,
  type IdlePolicy,
  type ResourceTypes,
  type TypeHandle,
  typeNames,
} from '@ursa/resources';
import { policyNames } from './policy-names.ts';

/** A type, and whether it is a policy. */
export interface KnownType extends TypeHandle {
  /** `targetRef` for policies as they are today, `older` for those with sources and destinations. */
  readonly policy?: 'targetRef' | 'older';
  /** That proxies do not follow it, and what to do instead. */
  readonly idle?: IdlePolicy;
}

/** The types that the control plane has. */
export const typeHandles: ResourceTypes<KnownType> = createResourceTypes([
  ...[...coreResourceTypes, ...accessResourceTypes].map(
    ({ name, path, scope, shortName, policy, idle }): KnownType => ({
      name,
      path,
      scope,
      shortName,
      ...(policy === undefined ? {} : { policy: policy.isTargetRef ? 'targetRef' : 'older' }),
      ...(idle === undefined ? {} : { idle }),
    }),
  ),
  ...policyNames.map(
    ([name, shortName]): KnownType => ({
      name,
      path: typeNames(name).path,
      scope: 'Mesh',
      shortName,
      policy: 'targetRef',
    }),
  ),
]);

/** The same types with their schemas. */
export async function loadResourceTypes(): Promise<ResourceTypes> {
  const { policyResourceTypes } = await import('@ursa/policies');
  return createResourceTypes([...coreResourceTypes, ...accessResourceTypes, ...policyResourceTypes]);
}
