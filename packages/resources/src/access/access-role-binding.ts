// AccessRoleBinding: who has which roles.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed } from '../schema/shapes.ts';
import { collectViolations } from '../violations.ts';
import { requireTexts } from './access-role.ts';

// The older form of documents leaves out the first word of an enumeration; here it has to be told from nothing.
const subjectType = Type.Unsafe<'User' | 'Group'>(Type.Enum(['User', 'Group'], { 'x-keep-default': true }));
const subject = closed({ type: Type.Optional(subjectType), name: Type.Optional(Type.String()) });
/** A user or a group. */
export type AccessSubject = Static<typeof subject>;

const accessRoleBindingSpec = closed({
  subjects: Type.Optional(Type.Array(subject)),
  roles: Type.Optional(Type.Array(Type.String())),
});
/** Every subject has every role. */
export type AccessRoleBindingSpec = Static<typeof accessRoleBindingSpec>;

/** Resource type of bindings of roles. */
export const accessRoleBinding = defineType({
  name: 'AccessRoleBinding',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: accessRoleBindingSpec,
  validate({ subjects = [], roles = [] }: AccessRoleBindingSpec) {
    const violations = collectViolations();
    if (subjects.length === 0) violations.add('subjects', 'must have at least one subject');
    if (roles.length === 0) violations.add('roles', 'must name at least one AccessRole');
    for (const [index, { type, name = '' }] of subjects.entries()) {
      if (type === undefined) violations.add(`subjects[${index}].type`, 'must be User or Group');
      if (name === '') violations.add(`subjects[${index}].name`, 'must not be empty');
    }
    requireTexts(violations, 'roles', roles);
    return violations.all;
  },
});
