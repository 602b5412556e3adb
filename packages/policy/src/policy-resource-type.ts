// The resource type of a policy: from the definition come names, schema, validation and warnings.
import { defineType, type IdlePolicy, type ResourceType } from '@ursa/resources';
import type { TSchema } from 'typebox';
import { deprecations } from './deprecations.ts';
import { fillDefaults } from './fill-defaults.ts';
import { policySchema } from './policy-schema.ts';
import type { PolicySpec } from './policy-spec.ts';
import { type CheckedPolicy, validatePolicy } from './validate-policy.ts';

/** What of a definition the resource type is made of. */
export interface ResourceFacts extends CheckedPolicy {
  readonly name: string;
  readonly shortName: string;
  readonly conf: TSchema;
  readonly ruleConf?: TSchema;
  /** Schema of the whole spec, for policies whose confs do not stand in `default`. */
  readonly spec?: TSchema;
  readonly status?: TSchema;
  readonly routes?: 'http' | 'tcp';
  readonly fromAdvice?: string;
  readonly idle?: IdlePolicy;
  readonly warn?: (spec: never) => readonly string[];
}

/** Makes the resource type of a policy. */
export function policyResourceType(policy: ResourceFacts): ResourceType {
  const { name, shortName, shape, conf, ruleConf = conf, fromAdvice = ", use 'rules' instead" } = policy;
  const matching = policy.rules?.matches === true ? 'clients' : 'all';
  const parts = {
    to: shape.hasTo,
    from: shape.hasFrom,
    rules: shape.hasRules ? matching : 'none',
    conf,
    ruleConf,
  } as const;
  const spec = policy.spec ?? policySchema(parts);
  return defineType({
    name,
    shortName,
    specForm: 'nested',
    policy: {
      isTargetRef: true,
      hasToTargetRef: shape.hasTo,
      hasFromTargetRef: shape.hasFrom,
      hasRulesTargetRef: shape.hasRules,
      isFromAsRules: shape.fromAsRules,
    },
    spec,
    ...(policy.status === undefined ? {} : { status: policy.status }),
    ...(policy.routes === undefined ? {} : { routes: policy.routes }),
    ...(policy.idle === undefined ? {} : { idle: policy.idle }),
    normalize: (value) => fillDefaults(spec, value),
    validate: (value: PolicySpec) => validatePolicy(policy, value),
    warn: (value: PolicySpec) => deprecations(value, fromAdvice, policy.warn?.(value as never) ?? []),
  });
}
