// Resource types that only the control plane knows: users' own policies. It is asked when a word or a document names a type that kumactl does not have.
import type { ApiClient } from './api-client.ts';
import { field, listOf } from './json-fields.ts';
import type { KnownType } from './type-handles.ts';

/** The types of a control plane. */
export async function fetchTypes(client: ApiClient): Promise<readonly KnownType[]> {
  return listOf(await client.get('/_resources'), 'resources').flatMap(readType);
}

/** An entry of the list as a type; none when it is not one. */
export function readType(entry: unknown): readonly KnownType[] {
  const [name, path, scope, shortName] = ['name', 'path', 'scope', 'shortName'].map((key) => field(entry, key));
  if (typeof name !== 'string' || typeof path !== 'string' || (scope !== 'Mesh' && scope !== 'Global')) return [];
  const policy = field(entry, 'policy');
  const type = { name, path, scope, shortName: typeof shortName === 'string' ? shortName : '' } as const;
  if (policy === undefined) return [type];
  return [{ ...type, policy: field(policy, 'isTargetRef') === true ? 'targetRef' : 'older' }];
}
