// RBAC from `rules`: clients are told by the SPIFFE ID in their certificate and by the server name they asked for.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { clientPredicate, combinePredicates, pack } from '@ursa/envoy';
import { ActionSchema, RBAC_Action } from '@ursa/envoy/gen/envoy/config/rbac/v3/rbac_pb.ts';
import type {
  Matcher_MatcherList_FieldMatcherSchema,
  Matcher_OnMatchSchema,
  MatcherSchema,
} from '@ursa/envoy/gen/xds/type/matcher/v3/matcher_pb.ts';
import type { InboundMatch, InboundRule, PolicyHead } from '@ursa/policy';
import { formatKri } from '@ursa/resources';
import type { PermissionRule } from './mesh-traffic-permission.ts';

type Matcher = MessageInitShape<typeof MatcherSchema>;
type FieldMatcher = MessageInitShape<typeof Matcher_MatcherList_FieldMatcherSchema>;
type OnMatch = MessageInitShape<typeof Matcher_OnMatchSchema>;

/** What both RBAC filters take: a matcher, and one that only counts. */
interface RbacDecision {
  readonly matcher: Matcher;
  readonly shadowMatcher?: Matcher;
}

/** Decides by the first match: all refusals of all policies, then what they let in; nobody else gets through. */
export function rbacFromRules(rules: readonly InboundRule<PermissionRule>[]): RbacDecision {
  const denied = rules.flatMap((rule) => matchAny(rule, RBAC_Action.DENY, rule.conf.deny ?? []));
  const allowed = rules.flatMap((rule) =>
    matchAny(rule, RBAC_Action.ALLOW, [...(rule.conf.allow ?? []), ...(rule.conf.allowWithShadowDeny ?? [])]),
  );
  const shadowDenied = rules.flatMap((rule) => matchAny(rule, RBAC_Action.DENY, rule.conf.allowWithShadowDeny ?? []));
  return {
    matcher: matcherOf([...denied, ...allowed]),
    ...(shadowDenied.length === 0 ? {} : { shadowMatcher: matcherOf(shadowDenied) }),
  };
}

function matcherOf(matchers: FieldMatcher[]): Matcher {
  return {
    ...(matchers.length === 0 ? {} : { matcherType: { case: 'matcherList', value: { matchers } } }),
    onNoMatch: action('default', RBAC_Action.DENY),
  };
}

function matchAny(
  rule: InboundRule<PermissionRule>,
  decision: RBAC_Action,
  matches: readonly InboundMatch[],
): FieldMatcher[] {
  const predicate = combinePredicates(
    'orMatcher',
    matches.flatMap((match) => clientPredicate(match, rule.origin.head.mesh) ?? []),
  );
  if (predicate === undefined) return [];
  return [{ predicate, onMatch: action(kriOfPolicy(rule.origin.head), decision) }];
}

function action(name: string, decision: RBAC_Action): OnMatch {
  const typedConfig = pack(ActionSchema, create(ActionSchema, { name, action: decision }));
  return { onMatch: { case: 'action', value: { name: 'envoy.filters.rbac.action', typedConfig } } };
}

// Envoy reports the name of the action that decided, so that a refusal leads to its policy.
function kriOfPolicy({ mesh, zone, namespace, displayName }: PolicyHead): string {
  return formatKri({ type: 'mtp', mesh, zone, namespace, name: displayName, section: '' });
}
