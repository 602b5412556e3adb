// Names of services end up as one label of a host name.
import { displayNameOf } from '../kri.ts';
import type { ValidationContext } from '../resource-type.ts';
import type { ViolationList } from '../violations.ts';

const maximumLength = 63;

/** A service's name must fit into one label of a host name. */
export function requireNameLength(violations: ViolationList, context: ValidationContext): void {
  if (displayNameOf(context).length > maximumLength)
    violations.add('name', `must not be longer than ${maximumLength} characters`);
}
