// Whose rules are whose: from bindings and roles to the rules of one user, and to those who can change that. Pure.
import type {
  AccessRoleBindingSpec,
  AccessRoleSpec,
  AccessRule,
  AccessSubject,
  AccessVerb,
  Resource,
} from '@ursa/resources';
import type { User } from '../access.ts';
import { isGranted } from './decision.ts';

/** The roles and bindings there are. */
export interface Roles {
  readonly role: (name: string) => Resource | undefined;
  readonly bindings: readonly Resource[];
}

/** All rules that a user has, by name or by a group. A role that does not exist grants nothing. */
export function rulesOf(roles: Roles, user: User): readonly AccessRule[] {
  return roles.bindings.flatMap((binding) => {
    const { subjects = [] } = binding.spec as AccessRoleBindingSpec;
    return subjects.some((subject) => isSubject(subject, user)) ? rulesOfBinding(roles, binding) : [];
  });
}

/** Who can change bindings, as `user "x"` and `group "y"`, at most `most`; for those who are refused something. */
export function grantors(roles: Roles, most = 5): readonly string[] {
  const changes = (access: AccessVerb) =>
    ({
      kind: 'resource',
      access,
      type: { name: 'AccessRoleBinding', scope: 'Global' },
      mesh: '',
      name: undefined,
      specs: [],
    }) as const;
  const found = new Set<string>();
  for (const binding of roles.bindings) {
    const rules = rulesOfBinding(roles, binding);
    if (!isGranted(rules, changes('CREATE')) && !isGranted(rules, changes('UPDATE'))) continue;
    for (const { type, name } of (binding.spec as AccessRoleBindingSpec).subjects ?? [])
      found.add(`${type === 'User' ? 'user' : 'group'} ${JSON.stringify(name)}`);
  }
  return [...found].slice(0, most);
}

function rulesOfBinding({ role }: Roles, binding: Resource): readonly AccessRule[] {
  const { roles = [] } = binding.spec as AccessRoleBindingSpec;
  return roles.flatMap((name) => (role(name)?.spec as AccessRoleSpec | undefined)?.rules ?? []);
}

function isSubject({ type, name }: AccessSubject, user: User): boolean {
  return type === 'User' ? user.name === name : name !== undefined && user.groups.includes(name);
}
