// AccessRole: what those may do who are bound to it.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed, tagSelector } from '../schema/shapes.ts';
import { type TargetRefKind, targetRef, targetRefKinds } from '../schema/target-ref.ts';
import { collectViolations, type ViolationList } from '../violations.ts';
import { accessVerb } from './access-verbs.ts';

// The older form of documents leaves out the first word of an enumeration; here `Mesh` has to be told from nothing.
const kind = Type.Optional(Type.Unsafe<TargetRefKind>(Type.Enum([...targetRefKinds], { 'x-keep-default': true })));
const reference = closed({ ...targetRef.properties, kind });
const sectionRef = closed({ targetRef: Type.Optional(reference) });

const qualifier = closed({
  targetRef: Type.Optional(reference),
  from: Type.Optional(sectionRef),
  to: Type.Optional(sectionRef),
  sources: Type.Optional(tagSelector),
  destinations: Type.Optional(tagSelector),
  selectors: Type.Optional(tagSelector),
  dpToken: Type.Optional(
    closed({ tags: Type.Optional(Type.Array(closed({ name: Type.String(), value: Type.String() }))) }),
  ),
});
/** A condition of a rule; what it leaves out is not looked at. */
export type AccessQualifier = Static<typeof qualifier>;

const rule = closed({
  types: Type.Optional(Type.Array(Type.String(), { description: 'Types it is about; none: all.' })),
  names: Type.Optional(Type.Array(Type.String(), { description: 'Names it is about; none: all.' })),
  mesh: Type.Optional(Type.String({ description: 'The mesh it is about; none: all, and what belongs to no mesh.' })),
  access: Type.Optional(Type.Array(accessVerb)),
  when: Type.Optional(Type.Array(qualifier, { description: 'One of these has to hold.' })),
});
/** One rule of a role. */
export type AccessRule = Static<typeof rule>;

const accessRoleSpec = closed({ rules: Type.Optional(Type.Array(rule)) });
/** Rules, each of which grants something. */
export type AccessRoleSpec = Static<typeof accessRoleSpec>;

/** Resource type of roles. */
export const accessRole = defineType({
  name: 'AccessRole',
  scope: 'Global',
  specForm: 'inline',
  includeInFederation: false,
  spec: accessRoleSpec,
  validate({ rules = [] }: AccessRoleSpec) {
    const violations = collectViolations();
    if (rules.length === 0) violations.add('rules', 'must have at least one rule');
    for (const [position, { access = [], when, types, names }] of rules.entries()) {
      const field = `rules[${position}]`;
      if (access.length === 0) violations.add(`${field}.access`, 'must name at least one access');
      requireTexts(violations, `${field}.types`, types);
      requireTexts(violations, `${field}.names`, names);
      for (const [index, condition] of (when ?? []).entries())
        checkQualifier(violations, `${field}.when[${index}]`, condition);
    }
    return violations.all;
  },
});

/** Adds a violation for each text of a list that is empty. */
export function requireTexts(violations: ViolationList, field: string, texts: readonly string[] = []): void {
  for (const [index, text] of texts.entries())
    if (text === '') violations.add(`${field}[${index}]`, 'must not be empty');
}

/** An empty condition would hold for everything, which a rule without `when` says better. */
function checkQualifier(violations: ViolationList, field: string, condition: AccessQualifier): void {
  const { sources, destinations, selectors, dpToken, targetRef: top, from, to } = condition;
  if (Object.keys(condition).length === 0)
    violations.add(field, 'must have a condition: leave `when` out to grant without one');
  const kinds = [top ?? from ?? to, sources ?? destinations ?? selectors, dpToken];
  if (kinds.filter((part) => part !== undefined).length > 1) {
    const message =
      'targetRef, from and to; sources, destinations and selectors; dpToken: a condition has fields of one of the three, as no resource has more';
    violations.add(field, message);
  }
  for (const [name, ref] of [
    ['targetRef', top],
    ['from.targetRef', from && (from.targetRef ?? {})],
    ['to.targetRef', to && (to.targetRef ?? {})],
  ] as const) {
    if (ref !== undefined && ref.kind === undefined) violations.add(`${field}.${name}.kind`, 'must be set');
  }
  for (const [name, selector] of Object.entries({ sources, destinations, selectors })) {
    if (selector !== undefined && Object.keys(selector.match ?? {}).length === 0)
      violations.add(`${field}.${name}.match`, 'must have at least one tag');
  }
  if (dpToken === undefined) return;
  if ((dpToken.tags ?? []).length === 0) violations.add(`${field}.dpToken.tags`, 'must have at least one tag');
  for (const [index, tag] of (dpToken.tags ?? []).entries())
    if (tag.name === '') violations.add(`${field}.dpToken.tags[${index}].name`, 'must not be empty');
}
