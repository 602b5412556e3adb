// Who may do what when access control is static: lists of users and groups from the settings (`KUMA_ACCESS_STATIC_*`).
import { MeshError } from '@ursa/resources';
import type { User } from './access.ts';

/** Users and groups that may do something. */
export interface AccessList {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** What static access control decides over. */
export type AccessVerb =
  | 'adminResources'
  | 'generateDpToken'
  | 'generateUserToken'
  | 'generateZoneToken'
  | 'viewConfigDump'
  | 'viewStats'
  | 'viewClusters'
  | 'controlPlaneMetadata';

/** The lists by what they allow. */
export type StaticAccess = Readonly<Record<AccessVerb, AccessList>>;

/** Types whose reading and writing needs `adminResources`: they hold keys, or change what everybody may do. */
export const adminResourceTypes: readonly string[] = ['Secret', 'GlobalSecret', 'Zone', 'HostnameGenerator'];

const deeds: Readonly<Record<AccessVerb, string>> = {
  adminResources: 'to access admin resources',
  generateDpToken: 'to generate data plane tokens',
  generateUserToken: 'to generate user tokens',
  generateZoneToken: 'to generate zone tokens',
  viewConfigDump: "to see a proxy's configuration",
  viewStats: "to see a proxy's statistics",
  viewClusters: "to see a proxy's clusters",
  controlPlaneMetadata: "to see the control plane's metadata",
};

/** Whether a user, by name or by a group, is on the list of a verb. */
export function isAllowed(access: StaticAccess, verb: AccessVerb, user: User): boolean {
  const { users, groups } = access[verb];
  return users.includes(user.name) || user.groups.some((group) => groups.includes(group));
}

/** Errors: `MeshError('forbidden')` that says who asked, for what, and which setting would allow it. */
export function requireAccess(access: StaticAccess, verb: AccessVerb, user: User): void {
  if (isAllowed(access, verb, user)) return;
  throw new MeshError(
    'forbidden',
    `user "${user.name}" (groups: ${user.groups.join(', ') || 'none'}) is not allowed ${deeds[verb]}; authenticate as another user, or add the user or a group of theirs to access.static.${verb}`,
  );
}
