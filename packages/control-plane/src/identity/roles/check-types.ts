// Roles and audits name types of resources: one that does not exist is refused where it stands, or a rule would say nothing without a word.
import {
  type AccessAuditSpec,
  type AccessRoleSpec,
  MeshError,
  type ResourceTypes,
  suggestionFor,
  type Violation,
} from '@ursa/resources';
import { withCheck } from '../../store/checked-manager.ts';
import type { ResourceManager } from '../../store/resource-manager.ts';

/** The manager, which then refuses AccessRoles and AccessAudits with rules that cannot apply: `MeshError('invalid')`. */
export function withTypeChecks(manager: ResourceManager, types: ResourceTypes): ResourceManager {
  return withCheck(manager, async (drafts) => {
    for (const { type, spec } of drafts) {
      if (type !== 'AccessRole' && type !== 'AccessAudit') continue;
      const violations = typeViolations(spec as AccessRoleSpec | AccessAuditSpec, types);
      const [first] = violations;
      if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
    }
  });
}

/** Every type that there is not, and every mesh beside types that belong to none. */
export function typeViolations(
  { rules = [] }: AccessRoleSpec | AccessAuditSpec,
  types: ResourceTypes,
): readonly Violation[] {
  const names = types.all.map(({ name }) => name);
  return rules.flatMap((rule, position) => {
    const field = `rules[${position}]`;
    const ofMeshes = (rule.types ?? []).filter((name) => name === 'Mesh' || types.byName(name)?.scope === 'Mesh');
    const isUseless = (rule.mesh ?? '') !== '' && (rule.types ?? []).length > 0 && ofMeshes.length === 0;
    return [
      ...(rule.types ?? []).flatMap((name, index) =>
        name === '' || types.byName(name) !== undefined
          ? []
          : [
              {
                field: `${field}.types[${index}]`,
                message: `there is no type ${JSON.stringify(name)}; ${suggestionFor(name, names)}`,
              },
            ],
      ),
      ...(isUseless
        ? [{ field: `${field}.mesh`, message: 'none of the types belongs to a mesh: leave the mesh out' }]
        : []),
    ];
  });
}
