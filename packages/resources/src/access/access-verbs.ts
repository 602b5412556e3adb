// What can be granted and audited: the words that AccessRole and AccessAudit share.
import { oneOf } from '../schema/shapes.ts';

/** Writes of resources, issuing of tokens, and looks into proxies. */
export const accessVerbs = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'GENERATE_DATAPLANE_TOKEN',
  'GENERATE_USER_TOKEN',
  'GENERATE_ZONE_CP_TOKEN',
  'GENERATE_ZONE_TOKEN',
  'VIEW_CONFIG_DUMP',
  'VIEW_STATS',
  'VIEW_CLUSTERS',
] as const;

/** One thing that a role can grant. */
export type AccessVerb = (typeof accessVerbs)[number];

/** Schema of one verb. */
export const accessVerb = oneOf(...accessVerbs);
