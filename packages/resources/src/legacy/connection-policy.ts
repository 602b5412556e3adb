// The frame of the older policies: traffic from `sources` to `destinations` gets a `conf`.
import { type TSchema, Type } from 'typebox';
import { defineType, legacyPolicy } from '../define-type.ts';
import type { IdlePolicy, ResourceType } from '../resource-type.ts';
import { closed, tagSelector } from '../schema/shapes.ts';
import { checkSelectors, checkServiceSelectors } from '../tags.ts';
import { collectViolations, type ViolationList } from '../violations.ts';

/** What distinguishes one connection policy from the others. */
export interface ConnectionPolicyDefinition<Conf> {
  readonly name: string;
  readonly conf: TSchema;
  readonly idle: IdlePolicy;
  /** `service`: destinations may name a service only. Default. `tags`: any tags. */
  readonly destinations?: 'service' | 'tags';
  /** False where a policy may do without a `conf`. Default true. */
  readonly confRequired?: boolean;
  readonly check?: (conf: Conf, violations: ViolationList, spec: ConnectionPolicySpec<Conf>) => void;
}

/** Spec of a connection policy. */
export interface ConnectionPolicySpec<Conf> {
  readonly sources?: readonly { readonly match?: Readonly<Record<string, string>> }[];
  readonly destinations?: readonly { readonly match?: Readonly<Record<string, string>> }[];
  readonly conf?: Conf;
}

/** The resource type of a connection policy. */
export function defineConnectionPolicy<Conf>(definition: ConnectionPolicyDefinition<Conf>): ResourceType {
  const checkDestinations = definition.destinations === 'tags' ? checkSelectors : checkServiceSelectors;
  return defineType({
    name: definition.name,
    pathStyle: 'hyphenated',
    specForm: 'inline',
    policy: legacyPolicy,
    idle: definition.idle,
    providedByZone: false,
    spec: closed({
      sources: Type.Optional(Type.Array(tagSelector)),
      destinations: Type.Optional(Type.Array(tagSelector)),
      conf: Type.Optional(definition.conf),
    }),
    validate(spec: ConnectionPolicySpec<Conf>) {
      const violations = collectViolations();
      checkSelectors(violations, 'sources', spec.sources);
      checkDestinations(violations, 'destinations', spec.destinations);
      if (spec.conf !== undefined) definition.check?.(spec.conf, violations, spec);
      else if (definition.confRequired ?? true) violations.add('conf', 'has to be defined');
      return violations.all;
    },
  });
}

/** Adds a violation unless a duration is given and above zero. */
export function requireDuration(violations: ViolationList, field: string, duration: string | undefined): void {
  if (duration === undefined || /^-?0s$/.test(duration)) violations.add(field, 'must have a positive value');
}

/** Adds a violation unless a percentage is given and between 0 and 100. */
export function requirePercentage(violations: ViolationList, field: string, percentage: number | undefined): void {
  if (percentage === undefined) violations.add(field, 'cannot be empty');
  else if (percentage < 0 || percentage > 100) violations.add(field, 'has to be in [0.0 - 100.0] range');
}
