// The first roles of a control plane, made once, whichever instance comes first.
import { accessVerbs, type ResourceDraft } from '@ursa/resources';
import type { Store } from '../../store/store.ts';
import { authenticatedGroup, unauthenticatedGroup } from '../users.ts';

/** Says that the roles were made. Who deletes them afterwards has them deleted: all may do everything only until somebody says otherwise. */
const rolesMadeKey = { type: 'Config', mesh: '', name: 'kuma-access-roles' } as const;

/** A role with everything, and its binding to everybody. */
export const defaultRoles: readonly ResourceDraft[] = [
  { type: 'AccessRole', mesh: '', name: 'admin', labels: {}, spec: { rules: [{ access: [...accessVerbs] }] } },
  {
    type: 'AccessRoleBinding',
    mesh: '',
    name: 'default',
    labels: {},
    spec: {
      subjects: [authenticatedGroup, unauthenticatedGroup].map((name) => ({ type: 'Group', name })),
      roles: ['admin'],
    },
  },
];

/** Makes what is missing of the default roles, unless that was done before. */
export async function makeDefaultRoles(store: Pick<Store, 'write'>): Promise<void> {
  const made = { ...rolesMadeKey, labels: {}, spec: { config: 'made' } };
  await store.write((content) => {
    if (content.get(rolesMadeKey) !== undefined) return [];
    const missing = defaultRoles.filter((role) => content.get(role) === undefined);
    return [made, ...missing].map((resource) => ({ kind: 'put', resource }));
  });
}
