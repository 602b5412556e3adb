// Who may do what when access control is static: lists of users and groups from the settings (`KUMA_ACCESS_STATIC_*`).
import { MeshError } from '@ursa/resources';
import type { User } from './access.ts';
import type { AccessControl, ProxyView, ServerPart, TokenIssue } from './access-control.ts';

/** Users and groups that may do something. */
export interface AccessList {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** The lists there are, by what they allow. */
export type StaticList =
  | 'adminResources'
  | 'generateDpToken'
  | 'generateUserToken'
  | 'generateZoneToken'
  | 'viewConfigDump'
  | 'viewStats'
  | 'viewClusters'
  | 'controlPlaneMetadata';

/** The lists by what they allow. */
export type StaticAccess = Readonly<Record<StaticList, AccessList>>;

/** Types whose reading and writing needs `adminResources`: they hold keys, or change what everybody may do. */
const adminResourceTypes: ReadonlySet<string> = new Set([
  'AccessAudit',
  'AccessRole',
  'AccessRoleBinding',
  'GlobalSecret',
  'HostnameGenerator',
  'Secret',
  'Zone',
]);

const deeds: Readonly<Record<StaticList, string>> = {
  adminResources: 'to access admin resources',
  generateDpToken: 'to generate data plane tokens',
  generateUserToken: 'to generate user tokens',
  generateZoneToken: 'to generate zone tokens',
  viewConfigDump: "to see a proxy's configuration",
  viewStats: "to see a proxy's statistics",
  viewClusters: "to see a proxy's clusters",
  controlPlaneMetadata: "to see the control plane's metadata",
};

const views: Readonly<Record<ProxyView['access'], StaticList>> = {
  VIEW_CONFIG_DUMP: 'viewConfigDump',
  VIEW_STATS: 'viewStats',
  VIEW_CLUSTERS: 'viewClusters',
};

const issues: Readonly<Record<TokenIssue['access'], StaticList>> = {
  GENERATE_DATAPLANE_TOKEN: 'generateDpToken',
  GENERATE_USER_TOKEN: 'generateUserToken',
  GENERATE_ZONE_CP_TOKEN: 'generateZoneToken',
  GENERATE_ZONE_TOKEN: 'generateZoneToken',
};

const parts: Readonly<Record<ServerPart, StaticList>> = { settings: 'controlPlaneMetadata', log: 'adminResources' };

/** Access control by the lists of the settings. */
export function staticAccessControl(lists: StaticAccess): AccessControl {
  const requireAdmin = (user: User, { name }: { readonly name: string }): void => {
    if (adminResourceTypes.has(name)) requireAccess(lists, 'adminResources', user);
  };
  return {
    requireWrite: (user, { type }) => requireAdmin(user, type),
    requireRead: (user, { type }) => requireAdmin(user, type),
    requireView: (user, { access }) => requireAccess(lists, views[access], user),
    requireToken: (user, { access }) => requireAccess(lists, issues[access], user),
    requireServer: (user, part) => requireAccess(lists, parts[part], user),
    seesKeys: (user) => isAllowed(lists, 'adminResources', user),
  };
}

/** Whether a user, by name or by a group, is on a list. */
export function isAllowed(access: StaticAccess, list: StaticList, user: User): boolean {
  const { users, groups } = access[list];
  return users.includes(user.name) || user.groups.some((group) => groups.includes(group));
}

/** Errors: `MeshError('forbidden')` that says who asked, for what, and which setting would allow it. */
export function requireAccess(access: StaticAccess, list: StaticList, user: User): void {
  if (isAllowed(access, list, user)) return;
  throw new MeshError(
    'forbidden',
    `user "${user.name}" (groups: ${user.groups.join(', ') || 'none'}) is not allowed ${deeds[list]}; authenticate as another user, or add the user or a group of theirs to access.static.${list}`,
  );
}
