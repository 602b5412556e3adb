// Which accesses are written down: what AccessAudits ask for, and every refusal. Pure.
import type { AuditRule } from '@ursa/resources';
import type { AuditedAccess } from './audited-access.ts';

/** Whether an access belongs into the audit. `rules` undefined: there is no AccessAudit, so all that rules could name is written down. */
export function isAudited(
  rules: readonly AuditRule[] | undefined,
  skippedTypes: readonly string[],
  asked: AuditedAccess,
): boolean {
  if (!asked.granted) return true;
  if (asked.access === 'READ') return false;
  if (rules === undefined) return !skippedTypes.includes(asked.type);
  return rules.some((rule) => isAsked(rule, skippedTypes, asked));
}

function isAsked(
  { types = [], mesh = '', access = [], accessAll = false }: AuditRule,
  skippedTypes: readonly string[],
  asked: AuditedAccess,
): boolean {
  if (!accessAll && !access.some((verb) => verb === asked.access)) return false;
  const meshOf = asked.type === 'Mesh' ? asked.name : asked.mesh;
  if (mesh !== '' && mesh !== meshOf) return false;
  return types.length === 0 ? !skippedTypes.includes(asked.type) : types.includes(asked.type);
}
