// AccessAudit: which accesses are written down.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, optionalFlag } from '../schema/shapes.ts';
import { collectViolations } from '../violations.ts';
import { requireTexts } from './access-role.ts';
import { accessVerb } from './access-verbs.ts';

const rule = closed({
  types: Type.Optional(
    Type.Array(Type.String(), { description: 'Types it is about; none: all but those of the settings.' }),
  ),
  mesh: Type.Optional(Type.String({ description: 'The mesh it is about; none: all, and what belongs to no mesh.' })),
  access: Type.Optional(Type.Array(accessVerb)),
  accessAll: optionalFlag,
});
/** One rule of an audit. */
export type AuditRule = Static<typeof rule>;

const accessAuditSpec = closed({ rules: Type.Optional(Type.Array(rule)) });
/** Rules, each of which has something written down. */
export type AccessAuditSpec = Static<typeof accessAuditSpec>;

/** Resource type of audits. Each control plane has its own: they are not synced. */
export const accessAudit = defineType({
  name: 'AccessAudit',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: accessAuditSpec,
  validate({ rules = [] }: AccessAuditSpec) {
    const violations = collectViolations();
    if (rules.length === 0) violations.add('rules', 'must have at least one rule');
    for (const [position, { access = [], accessAll = false, types }] of rules.entries()) {
      const field = `rules[${position}]`;
      if (accessAll && access.length > 0)
        violations.add(`${field}.access`, 'cannot be set together with accessAll: true, which means all of them');
      if (!accessAll && access.length === 0)
        violations.add(`${field}.access`, 'must name at least one access, unless accessAll is true');
      requireTexts(violations, `${field}.types`, types);
    }
    return violations.all;
  },
});
