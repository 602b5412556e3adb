// Which resources an export has, and in which order: what others refer to comes before them.

import type { ApiClient } from './api-client.ts';
import { field, listOf } from './json-fields.ts';
import { listPath, resourcePath } from './resource-paths.ts';
import { readType } from './server-types.ts';
import { type KnownType, typeHandles } from './type-handles.ts';

/** The choices of `--profile`. */
export const profiles = ['all', 'federation', 'federation-with-policies', 'no-dataplanes'] as const;

/** Which resources are exported. */
export type Profile = (typeof profiles)[number];

/** A type that can be written, and whether a zone hands it over when it is federated. */
interface ExportedType {
  readonly type: KnownType;
  readonly inFederation: boolean;
}

const adminTypes = new Set(['Secret', 'GlobalSecret']);
const proxyTypes = new Set(['Dataplane', 'ZoneIngress', 'ZoneEgress']);

/** Fields that the control plane sets; what it makes of a document is its own affair. */
const ownFields = new Set(['creationTime', 'modificationTime', 'kri', 'status']);

/** Each control plane has its own; a zone that got another's could not be reached any more. */
const keptSecrets = new Set(['envoy-admin-ca', 'inter-cp-ca']);

/** The types that the control plane lets be written: only these can be applied elsewhere. */
export async function fetchExportedTypes(client: ApiClient): Promise<readonly ExportedType[]> {
  return listOf(await client.get('/_resources'), 'resources')
    .filter((entry) => field(entry, 'readOnly') !== true)
    .flatMap((entry) =>
      readType(entry).map((type) => ({ type, inFederation: field(entry, 'includeInFederation') === true })),
    );
}

/** The types of a profile, in the order in which they can be applied: meshes, secrets, everything else. */
export function selectTypes(
  types: readonly ExportedType[],
  profile: Profile,
  withAdmin: boolean,
): readonly KnownType[] {
  const isFederation = profile === 'federation' || profile === 'federation-with-policies';
  return types
    .filter(({ type, inFederation }) => {
      if (adminTypes.has(type.name)) return withAdmin || isFederation;
      if (profile === 'no-dataplanes') return !proxyTypes.has(type.name);
      return !isFederation || (inFederation && (type.policy === undefined || profile !== 'federation'));
    })
    .map(({ type }) => type)
    .toSorted((left, right) => rankOf(left) - rankOf(right) || (left.name < right.name ? -1 : 1));
}

function rankOf({ name }: KnownType): number {
  return name === 'Mesh' ? 0 : adminTypes.has(name) ? 1 : 2;
}

/** Reads all resources of the types, without what the control plane has set itself. */
export async function readResources(
  client: ApiClient,
  types: readonly KnownType[],
  { profile, format }: { readonly profile: Profile; readonly format: 'universal' | 'kubernetes' },
): Promise<readonly unknown[]> {
  const mesh = typeHandles.byName('Mesh');
  const meshes = mesh === undefined ? [] : await readAll(client, listPath(mesh, ''));
  const resources: unknown[] = [];
  // Who has a token of the old key is a stranger once the new key is there: that comes last.
  const keys: unknown[] = [];
  for (const type of types) {
    const folders = type.scope === 'Mesh' ? meshes.map(nameOf) : [''];
    for (const folder of folders) {
      for (const resource of type.name === 'Mesh' ? meshes : await readAll(client, listPath(type, folder))) {
        const name = nameOf(resource);
        if (type.name === 'GlobalSecret' && profile !== 'all' && profile !== 'no-dataplanes' && keptSecrets.has(name))
          continue;
        const path = `${resourcePath(type, folder, name)}?format=kubernetes`;
        const document = format === 'kubernetes' ? await client.get(path) : documentOf(resource, profile);
        (type.name === 'GlobalSecret' && name.startsWith('user-token-signing-key') ? keys : resources).push(document);
      }
    }
  }
  return [...resources, ...keys];
}

async function readAll(client: ApiClient, path: string): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for (;;) {
    const page = await client.get(`${path}?size=1000&offset=${items.length}`);
    const found = listOf(page, 'items');
    items.push(...found);
    if (found.length === 0 || typeof field(page, 'next') !== 'string') return items;
  }
}

/** A mesh does not get policies of its own where it is applied: those it had may have been deleted for a reason. */
function documentOf(resource: unknown, profile: Profile): unknown {
  const entries = Object.entries(resource ?? {}).filter(([key]) => !ownFields.has(key));
  const document = Object.fromEntries(entries);
  return document.type === 'Mesh' && profile !== 'federation'
    ? { ...document, skipCreatingInitialPolicies: ['*'] }
    : document;
}

function nameOf(resource: unknown): string {
  return String(field(resource, 'name') ?? '');
}
