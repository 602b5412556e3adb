// Checks a policy's spec: its references, that it says anything, and each conf with the policy's own rules.
import type { TargetRef, TargetRefKind, Violation } from '@ursa/resources';
import type { ConfPlace, InboundMatching } from './define-policy.ts';
import type { PolicySpec } from './policy-spec.ts';
import type { PolicyShape } from './proxy-rules.ts';
import { createReport, type Report } from './report.ts';
import { wholeMesh } from './target-ref.ts';
import { validateTargetRef } from './validate-target-ref.ts';

type Kinds = readonly TargetRefKind[];
type CheckConf = (conf: never, report: Report, place: ConfPlace) => void;

/** What of a definition the checks read. */
export interface CheckedPolicy {
  readonly targetRef: Kinds;
  readonly to: Kinds;
  readonly from: Kinds;
  readonly rules: InboundMatching | undefined;
  readonly shape: PolicyShape;
  readonly listsRequired?: boolean;
  readonly gatewayListenerTags?: boolean;
  readonly toKinds?: (topLevel: TargetRef) => Kinds;
  readonly refusesFrom?: (topLevel: TargetRef) => boolean;
  readonly checkConf?: CheckConf;
  /** Present when entries of `rules` have a conf of their own, which `checkRuleConf` checks. */
  readonly ruleConf?: unknown;
  readonly checkRuleConf?: CheckConf;
  readonly checkSpec?: (spec: never, report: Report) => void;
}

/** All violations of a spec whose schema holds; fields start at `spec`. */
export function validatePolicy(policy: CheckedPolicy, spec: PolicySpec): readonly Violation[] {
  const violations: Violation[] = [];
  const report = createReport('spec', violations);
  const topLevel = spec.targetRef ?? wholeMesh;
  const { from = [], to = [], rules = [] } = spec;
  const topRules = {
    kinds: policy.targetRef,
    inboundSection: from.length > 0 || rules.length > 0,
    listenerTags: policy.gatewayListenerTags === true,
  };
  validateTargetRef(topLevel, topRules, report.at('targetRef'));
  checkLists(policy, spec, report);
  const entryRules = { inboundSection: false, listenerTags: false };
  for (const [index, entry] of rules.entries()) {
    const check = policy.ruleConf === undefined ? policy.checkConf : policy.checkRuleConf;
    checkEntry(check, entry.default, report.at(`rules[${index}]`), { list: 'rules', topLevel });
  }
  if (from.length > 0 && policy.refusesFrom?.(topLevel)) report.add('from', 'must not be defined');
  else {
    for (const [index, entry] of from.entries()) {
      const at = report.at(`from[${index}]`);
      validateTargetRef(entry.targetRef, { ...entryRules, kinds: policy.from }, at.at('targetRef'));
      checkEntry(policy.checkConf, entry.default, at, { list: 'from', topLevel, targetRef: entry.targetRef });
    }
  }
  for (const [index, entry] of to.entries()) {
    const at = report.at(`to[${index}]`);
    const kinds = policy.toKinds?.(topLevel) ?? policy.to;
    validateTargetRef(entry.targetRef, { ...entryRules, kinds }, at.at('targetRef'));
    checkEntry(policy.checkConf, entry.default, at, { list: 'to', topLevel, targetRef: entry.targetRef });
  }
  if (isSingle(policy.shape)) checkEntry(policy.checkConf, spec.default, report, { list: 'default', topLevel });
  policy.checkSpec?.(spec as never, report);
  return violations;
}

function isSingle(shape: PolicyShape): boolean {
  return !shape.hasTo && !shape.hasFrom && !shape.hasRules;
}

function checkEntry(check: CheckConf | undefined, conf: unknown, report: Report, place: ConfPlace): void {
  check?.((conf ?? {}) as never, report.at('default'), place);
}

function checkLists({ shape, listsRequired = true }: CheckedPolicy, spec: PolicySpec, report: Report): void {
  const lists = [
    { name: 'from', offered: shape.hasFrom, length: spec.from?.length ?? 0 },
    { name: 'to', offered: shape.hasTo, length: spec.to?.length ?? 0 },
    { name: 'rules', offered: shape.hasRules, length: spec.rules?.length ?? 0 },
  ].filter((list) => list.offered);
  const others = lists.filter((list) => list.name !== 'rules').map((list) => `'${list.name}'`);
  const [only] = lists;
  if (lists.length > 0 && lists.every((list) => list.length === 0)) {
    if (!listsRequired) return;
    if (lists.length === 1 && only !== undefined) report.add(only.name, 'needs at least one item');
    else report.add('', `at least one of ${formatChoice(lists.map((list) => `'${list.name}'`))} has to be defined`);
  } else if ((spec.rules?.length ?? 0) > 0 && lists.some((list) => list.name !== 'rules' && list.length > 0)) {
    const names = others.toReversed().join(' and ');
    report.add('', `${others.length > 1 ? 'fields' : 'field'} ${names} must be empty when 'rules' is defined`);
  }
}

function formatChoice(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
