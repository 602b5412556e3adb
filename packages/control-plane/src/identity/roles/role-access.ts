// Access control by roles (`KUMA_ACCESS_TYPE=rbac`): AccessRoles and AccessRoleBindings, as they are at the moment of the question.
import { type AccessRule, type AccessVerb, MeshError } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { User } from '../access.ts';
import { type AccessControl, type ResourceRead, verbOf } from '../access-control.ts';
import { requireAccess, type StaticAccess } from '../static-access.ts';
import { authenticatedGroup } from '../users.ts';
import { type AccessRequest, isGranted } from './decision.ts';
import { grantors, type Roles, rulesOf } from './granted-rules.ts';

/** Types that hold nothing but keys. */
const keyTypes: ReadonlySet<string> = new Set(['GlobalSecret', 'Secret']);

/**
 * Access control by the roles in the store. What no role speaks of, the control plane's own settings and log, stays with the lists of the
 * settings. Whoever may replace keys may read them, unless nobody knows who they are.
 */
export function roleAccessControl(
  live: Pick<LiveResources, 'get' | 'list' | 'revision'>,
  lists: StaticAccess,
): AccessControl {
  const roles = storedRoles(live);
  const known = new WeakMap<User, { readonly revision: number; readonly rules: readonly AccessRule[] }>();
  const rules = (user: User): readonly AccessRule[] => {
    const revision = live.revision();
    const last = known.get(user);
    if (last?.revision === revision) return last.rules;
    const found = rulesOf(roles, user);
    known.set(user, { revision, rules: found });
    return found;
  };
  const may = (user: User, request: AccessRequest): boolean => isGranted(rules(user), request);
  const require = (user: User, request: AccessRequest): void => {
    if (!may(user, request)) throw missing(roles, user, request);
  };
  const replacing = ({ type, mesh, name }: ResourceRead): AccessRequest => ({
    ...{ kind: 'resource', access: 'UPDATE', type, mesh, name, specs: [] },
  });
  const mayReadKeys = (user: User, read: ResourceRead): boolean =>
    user.groups.includes(authenticatedGroup) && may(user, replacing(read));
  return {
    requireWrite(user, write) {
      const specs = [write.before, write.after].flatMap((resource) => (resource === undefined ? [] : [resource.spec]));
      const { type, mesh, name } = write;
      require(user, { kind: 'resource', access: verbOf(write), type, mesh, name, specs });
    },
    requireRead(user, read) {
      if (!keyTypes.has(read.type.name)) return;
      if (!user.groups.includes(authenticatedGroup)) throw withoutCredentials(user, read);
      require(user, replacing(read));
    },
    requireView: (user, { access, type, mesh, name }) =>
      require(user, { kind: 'resource', access, type, mesh, name, specs: [] }),
    requireToken: (user, issue) => require(user, { kind: 'token', ...issue }),
    requireServer: (user, part) =>
      requireAccess(lists, part === 'settings' ? 'controlPlaneMetadata' : 'adminResources', user),
    seesKeys: (user, { type, mesh, name }) =>
      mayReadKeys(user, { type: { name: type, scope: mesh === '' ? 'Global' : 'Mesh' }, mesh, name }),
  };
}

/** The roles of the store, as they are whenever they are asked for. */
export function storedRoles(live: Pick<LiveResources, 'get' | 'list'>): Roles {
  return {
    role: (name) => live.get({ type: 'AccessRole', mesh: '', name }),
    get bindings() {
      return live.list('AccessRoleBinding');
    },
  };
}

function withoutCredentials(user: User, { type }: ResourceRead): MeshError {
  return new MeshError(
    'forbidden',
    `user "${user.name}" may not read ${type.name}s, whatever roles there are: nobody knows who they are; authenticate with a user token (kumactl config control-planes add --headers) or a client certificate`,
  );
}

function missing(roles: Roles, user: User, request: AccessRequest): MeshError {
  const others = grantors(roles);
  const advice =
    others.length === 0
      ? 'nobody has a role that can change this: start the control plane with KUMA_ACCESS_TYPE=static to write an AccessRoleBinding'
      : `${others.join(', ')} can bind a role that grants it`;
  return new MeshError(
    'forbidden',
    `user "${user.name}" (groups: ${user.groups.join(', ') || 'none'}) has no role that grants ${describe(request)}; ${advice}`,
  );
}

function describe(request: AccessRequest): string {
  const where = request.mesh === '' ? '' : ` in mesh ${JSON.stringify(request.mesh)}`;
  if (request.kind === 'token') {
    const name = request.name === '' ? 'without a name' : `for ${JSON.stringify(request.name)}`;
    return `${request.access} ${name}${where}`;
  }
  const what =
    request.name === undefined ? `every ${request.type.name}` : `${request.type.name} ${JSON.stringify(request.name)}`;
  return `${request.access} of ${what}${where}${whose(request.access, request.specs)}`;
}

/** What is likely to be at fault where rules have conditions. */
function whose(access: AccessVerb, specs: readonly unknown[]): string {
  if (specs.length === 0) return '';
  return access === 'UPDATE' ? ', as it is stored and as it is written' : ' as it is';
}
