// The types about who may do what. They are apart from the core's, which are those of a mesh.
import type { ResourceType } from '../resource-type.ts';
import { accessAudit } from './access-audit.ts';
import { accessRole } from './access-role.ts';
import { accessRoleBinding } from './access-role-binding.ts';

/** Roles, who has them, and what of their use is written down. */
export const accessResourceTypes: readonly ResourceType[] = [accessAudit, accessRole, accessRoleBinding];
