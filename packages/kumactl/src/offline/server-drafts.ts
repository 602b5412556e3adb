// What a control plane has, as drafts beside those of files: so that files are judged with the resources that they will live among.
import { parseResource, type ResourceDraft, type ResourceType, type ResourceTypes } from '@ursa/resources';
import type { ApiClient } from '../api-client.ts';
import { field, listOf } from '../json-fields.ts';

/** What a control plane has, and where its resources are made. */
export interface StoredDrafts {
  readonly drafts: readonly ResourceDraft[];
  /** Its zone; undefined for a global control plane. */
  readonly zone: string | undefined;
  /** How it is set (KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES). */
  readonly autoReachableServices: boolean;
}

const pageSize = 1000;

/** Reads the meshes, and what is in those that are asked for. Secrets and what control planes note for themselves are left out. */
export async function readStored(
  client: ApiClient,
  types: ResourceTypes,
  meshes: readonly string[],
): Promise<StoredDrafts> {
  const config = await client.get('/config');
  const zone = field(config, 'mode') === 'global' ? undefined : zoneOf(config);
  const known = new Set(listOf(await client.get('/_resources'), 'resources').map((entry) => field(entry, 'name')));
  const read = (type: ResourceType, path: string) => readList(client, types, type, path);
  const drafts = await read(requireType(types, 'Mesh'), '/meshes');
  const present = meshes.filter((mesh) => drafts.some(({ name }) => name === mesh));
  for (const mesh of present) {
    for (const type of types.all) {
      if (type.scope !== 'Mesh' || type.readOnly || type.name === 'Secret' || !known.has(type.name)) continue;
      drafts.push(...(await read(type, `/meshes/${encodeURIComponent(mesh)}/${type.path}`)));
    }
  }
  const autoReachableServices = field(field(config, 'experimental'), 'autoReachableServices') === true;
  return { drafts, zone, autoReachableServices };
}

async function readList(
  client: ApiClient,
  types: ResourceTypes,
  type: ResourceType,
  path: string,
): Promise<ResourceDraft[]> {
  const drafts: ResourceDraft[] = [];
  for (let offset: string | null = '0'; offset !== null; ) {
    const page = await client.get(`${path}?size=${pageSize}&offset=${offset}`);
    for (const item of listOf(page, 'items'))
      drafts.push(parseResource(types, { ...(item as object), type: type.name }));
    const next = field(page, 'next');
    offset = typeof next === 'string' ? new URL(next, 'http://localhost').searchParams.get('offset') : null;
  }
  return drafts;
}

function requireType(types: ResourceTypes, name: string): ResourceType {
  const type = types.byName(name);
  if (type === undefined) throw new Error(`there is no type ${name}`);
  return type;
}

function zoneOf(config: unknown): string {
  const name = field(field(field(config, 'multizone'), 'zone'), 'name');
  return typeof name === 'string' && name !== '' ? name : 'default';
}
