// What the API asks before it does something for a caller. Answered by lists of the settings (`static-access.ts`) or by roles (`roles/`).
import type { AccessVerb, Resource, ResourceDraft, ResourceType } from '@ursa/resources';
import type { User } from './access.ts';

/** The write of one resource. */
export interface ResourceWrite {
  readonly type: Pick<ResourceType, 'name' | 'scope'>;
  readonly mesh: string;
  readonly name: string;
  /** What is stored; undefined: nothing, so that the write creates it. */
  readonly before: Resource | undefined;
  /** What is to be stored; undefined: it is to go. */
  readonly after: Pick<ResourceDraft, 'spec'> | undefined;
}

/** Which resources somebody reads. */
export interface ResourceRead {
  readonly type: Pick<ResourceType, 'name' | 'scope'>;
  /** '' for all meshes, and for what belongs to none. */
  readonly mesh: string;
  /** undefined: a list. */
  readonly name: string | undefined;
}

/** A look into a proxy; `name` undefined: into any of the mesh. */
export interface ProxyView extends ResourceRead {
  readonly access: Extract<AccessVerb, 'VIEW_CONFIG_DUMP' | 'VIEW_STATS' | 'VIEW_CLUSTERS'>;
}

/** A token that is to be issued. */
export interface TokenIssue {
  readonly access: Extract<
    AccessVerb,
    'GENERATE_DATAPLANE_TOKEN' | 'GENERATE_USER_TOKEN' | 'GENERATE_ZONE_CP_TOKEN' | 'GENERATE_ZONE_TOKEN'
  >;
  /** '' for tokens of no mesh. */
  readonly mesh: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

/** Parts of the control plane itself. */
export type ServerPart = 'settings' | 'log';

/** Decides what callers may. Errors of all that begin with `require`: `MeshError('forbidden')` that says what is missing and who could give it. */
export interface AccessControl {
  requireWrite(user: User, write: ResourceWrite): void;
  /** Resources without keys and roles pass. */
  requireRead(user: User, read: ResourceRead): void;
  requireView(user: User, view: ProxyView): void;
  requireToken(user: User, issue: TokenIssue): void;
  requireServer(user: User, part: ServerPart): void;
  /** Whether keys that stand in a resource itself are shown. */
  seesKeys(user: User, resource: Pick<Resource, 'type' | 'mesh' | 'name'>): boolean;
}

/** The verb of a write. */
export function verbOf({ before, after }: ResourceWrite): 'CREATE' | 'UPDATE' | 'DELETE' {
  return after === undefined ? 'DELETE' : before === undefined ? 'CREATE' : 'UPDATE';
}
