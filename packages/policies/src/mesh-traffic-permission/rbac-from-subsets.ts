// RBAC from `from`: clients are told by the tags in their certificates.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Principal,
  PrincipalSchema,
  RBAC_Action,
  type RBACSchema,
} from '@ursa/envoy/gen/envoy/config/rbac/v3/rbac_pb.ts';
import type { Subset, SubsetRule, SubsetTag } from '@ursa/policy';
import { tagNames } from '@ursa/resources';

/** What both RBAC filters take: rules, and rules that only count. */
interface RbacDecision {
  readonly rules: MessageInitShape<typeof RBACSchema>;
  readonly shadowRules?: MessageInitShape<typeof RBACSchema>;
}

/** Rules that let in the clients that are allowed and nobody else. Without any rule nobody is let in. */
export function rbacFromSubsets(
  mesh: string,
  rules: readonly SubsetRule<{ readonly action?: string }>[],
): RbacDecision {
  const principalsOf = (action: string) =>
    rules.filter((rule) => rule.conf.action === action).map((rule) => principalOf(mesh, rule.subset));
  const shadowDenied = principalsOf('AllowWithShadowDeny');
  const allowed = [...principalsOf('Allow'), ...shadowDenied];
  return {
    rules: rbac(RBAC_Action.ALLOW, allowed),
    ...(shadowDenied.length === 0 ? {} : { shadowRules: rbac(RBAC_Action.DENY, shadowDenied) }),
  };
}

function rbac(action: RBAC_Action, principals: Principal[]): MessageInitShape<typeof RBACSchema> {
  if (principals.length === 0) return { action };
  const permissions = [{ rule: { case: 'any' as const, value: true } }];
  return { action, policies: { MeshTrafficPermission: { permissions, principals } } };
}

function principalOf(mesh: string, subset: Subset): Principal {
  const [first, ...others] = subset.map((tag) => tagPrincipal(mesh, tag));
  if (first === undefined) return create(PrincipalSchema, { identifier: { case: 'any', value: true } });
  if (others.length === 0) return first;
  return create(PrincipalSchema, { identifier: { case: 'andIds', value: { ids: [first, ...others] } } });
}

function tagPrincipal(mesh: string, { key, value, not }: SubsetTag): Principal {
  const name = key === tagNames.service ? `spiffe://${mesh}/${value}` : `kuma://${key}/${value}`;
  const principal = create(PrincipalSchema, {
    identifier: {
      case: 'authenticated',
      value: { principalName: { matchPattern: { case: 'exact', value: name } } },
    },
  });
  return not ? create(PrincipalSchema, { identifier: { case: 'notId', value: principal } }) : principal;
}
