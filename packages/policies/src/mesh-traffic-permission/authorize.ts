// What the RBAC filters will say of one client, decided without them: for `explain`. The e2e story `explain` holds it against Envoy.
import { clientFits } from '@ursa/envoy';
import {
  type Authorization,
  type ClientIdentity,
  type InboundRuleSet,
  type PolicyHead,
  type Subset,
  subsetOf,
} from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { PermissionRule } from './mesh-traffic-permission.ts';

interface FromConf {
  readonly action?: string;
}

const nobody: Authorization = { allowed: false, shadowDenied: false, by: undefined };

/** Refusals first, then permissions; of the older form the last entry that selects the client. */
export function authorize(
  client: ClientIdentity,
  { rules, fromEntries }: InboundRuleSet<PermissionRule, FromConf>,
  policies: readonly PolicyHead[],
): Authorization {
  if (rules.length === 0) return fromEntries.length === 0 ? nobody : bySubsets(client, policies);
  const find = (list: keyof PermissionRule) => {
    const rule = rules.find(({ conf, origin }) =>
      conf[list]?.some((match) => clientFits(match, origin.head.mesh, client)),
    );
    if (rule === undefined) return undefined;
    const { head, ruleIndex } = rule.origin;
    return { head, field: `spec.rules[${ruleIndex}].default.${list}` };
  };
  const denied = find('deny');
  if (denied !== undefined) return { allowed: false, shadowDenied: false, by: denied };
  const shadowed = find('allowWithShadowDeny');
  const by = find('allow') ?? shadowed;
  return { allowed: by !== undefined, shadowDenied: shadowed !== undefined, by };
}

function bySubsets(client: ClientIdentity, policies: readonly PolicyHead[]): Authorization {
  const entries = policies.flatMap((head) =>
    (head.spec.from ?? []).map((entry, index) => ({ head, index, entry, subset: subsetOf(entry.targetRef) })),
  );
  const last = entries.findLast(({ subset, head }) => subset !== undefined && isIn(client, head.mesh, subset));
  if (last === undefined) return nobody;
  const { action } = (last.entry.default ?? {}) as FromConf;
  return {
    allowed: action === 'Allow' || action === 'AllowWithShadowDeny',
    shadowDenied: action === 'AllowWithShadowDeny',
    by: { head: last.head, field: `spec.from[${last.index}]` },
  };
}

function isIn({ uris }: ClientIdentity, mesh: string, subset: Subset): boolean {
  return subset.every(({ key, value, not }) => {
    const uri = key === tagNames.service ? `spiffe://${mesh}/${value}` : `kuma://${key}/${value}`;
    return uris.includes(uri) !== not;
  });
}
