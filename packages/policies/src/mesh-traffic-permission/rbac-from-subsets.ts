// RBAC from `from`: clients are told by the tags in their certificates.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Principal,
  PrincipalSchema,
  RBAC_Action,
  type RBACSchema,
} from '@ursa/envoy/gen/envoy/config/rbac/v3/rbac_pb.ts';
import { contains, type FromSubset, type Subset, type SubsetRule, type SubsetTag } from '@ursa/policy';
import { tagNames } from '@ursa/resources';

/** What both RBAC filters take: rules, and rules that only count. */
interface RbacDecision {
  readonly rules: MessageInitShape<typeof RBACSchema>;
  readonly shadowRules?: MessageInitShape<typeof RBACSchema>;
}

interface Conf {
  readonly action?: string;
}

type Entries = readonly FromSubset<Conf>[];

const allows = ({ action }: Conf) => action === 'Allow' || action === 'AllowWithShadowDeny';
const onlyShadowDenies = ({ action }: Conf) => action === 'AllowWithShadowDeny';

/**
 * Lets in the clients that are allowed and nobody else: of the entries that select a client the last one counts. Without any rule
 * nobody is let in.
 */
export function rbacFromSubsets(mesh: string, rules: readonly SubsetRule<Conf>[], entries: Entries): RbacDecision {
  const refusing = [...entries.keys()].filter((position) => !allows(entries[position]?.conf ?? {}));
  const exact = rules.every((rule) => !allows(rule.conf) || !isRestricted(rule.subset, entries, refusing));
  const principals = (accept: (conf: Conf) => boolean) =>
    exact
      ? rules.filter((rule) => accept(rule.conf)).map((rule) => principalOf(mesh, rule.subset))
      : principalsByEntry(mesh, entries, accept);
  const shadowDenied = principals(onlyShadowDenies);
  // The peers list those that are allowed without a condition first.
  const allowed = exact
    ? [...principals((conf) => allows(conf) && !onlyShadowDenies(conf)), ...shadowDenied]
    : principals(allows);
  return {
    rules: rbac(RBAC_Action.ALLOW, allowed),
    ...(shadowDenied.length === 0 ? {} : { shadowRules: rbac(RBAC_Action.DENY, shadowDenied) }),
  };
}

/**
 * True when a later entry refuses some of the clients in this part. Parts of different groups of references may overlap: of "all but
 * web" and "all but api" each contains what the other leaves out.
 */
function isRestricted(part: Subset, entries: Entries, refusing: readonly number[]): boolean {
  const inside = refusing.filter((position) => {
    const { subset = [] } = entries[position] ?? {};
    return overlaps(subset, part) && !contains(subset, part);
  });
  const last = inside.at(-1);
  return last !== undefined && last > entries.findLastIndex((entry) => contains(entry.subset, part));
}

function overlaps(reference: Subset, part: Subset): boolean {
  return reference.every(({ key, value }) => part.every((tag) => tag.key !== key || (tag.value === value) !== tag.not));
}

const maximumPrincipals = 50_000;

/** Clients whose last entry is accepted, entry by entry: each entry without those of later ones that are not accepted. */
function principalsByEntry(mesh: string, entries: Entries, accept: (conf: Conf) => boolean): Principal[] {
  const principals: Principal[] = [];
  const later: Principal[] = [];
  let size = 0;
  for (const { subset, conf } of entries.toReversed()) {
    const selected = principalOf(mesh, subset);
    if (accept(conf)) principals.push(without(selected, later));
    else later.push(selected);
    size += accept(conf) ? later.length : 1;
    // Nobody is let in by a configuration that would be too large to send.
    if (size > maximumPrincipals) return [];
  }
  return principals.reverse();
}

function without(principal: Principal, others: readonly Principal[]): Principal {
  if (others.length === 0) return principal;
  const some = create(PrincipalSchema, { identifier: { case: 'orIds', value: { ids: [...others] } } });
  const none = create(PrincipalSchema, { identifier: { case: 'notId', value: some } });
  return create(PrincipalSchema, { identifier: { case: 'andIds', value: { ids: [principal, none] } } });
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
