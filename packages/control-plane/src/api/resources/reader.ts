// Reads resources for the endpoints: checks that the mesh exists and that the caller may, before anything is told.
import { concealSecrets, type Resource, type ResourceType, type ResourceTypes } from '@ursa/resources';
import type { User } from '../../identity/access.ts';
import type { AccessControl } from '../../identity/access-control.ts';
import type { LiveResources } from '../../store/live-resources.ts';
import { notFound } from '../http/failure.ts';
import { createPrintedValues, type PrintedValues } from '../http/json-text.ts';
import { type Page, slicePage } from '../http/page.ts';
import type { ResourceFilter } from './filter.ts';

/** Title of a refusal because the mesh of a path does not exist. */
export const meshTitle = 'Failed to retrieve Mesh';

/** What endpoints read resources through. */
export interface ResourceReader {
  readonly types: ResourceTypes;
  /** Resources in the peer's JSON form, printed once each. */
  readonly printed: PrintedValues<Resource>;
  /** Errors: 404 under `meshTitle`. `mesh` is '' for global types and lists across meshes, which always pass. */
  requireMesh(mesh: string): void;
  /** Errors: `MeshError('forbidden')` for types that not everybody may see. `name` undefined: a list; `mesh` '': of all meshes. */
  requireRead(type: ResourceType, user: User, mesh: string, name?: string): void;
  /** The resource as a user may see it: without keys in it, unless the user may see secrets. */
  shown(resource: Resource, user: User): Resource;
  /** With what is observed of it, which may take as long to find out as a write. */
  find(type: string, mesh: string, name: string): Resource | undefined;
  /** As it is stored: what a write is held against. */
  stored(type: string, mesh: string, name: string): Resource | undefined;
  /** Errors: 404 under `title`. */
  get(type: string, mesh: string, name: string, title: string): Resource;
  /** How many resources of a type there are in all meshes. */
  count(type: string): number;
  /** Resources of one mesh, or of all when `mesh` is undefined, sorted by mesh and name. */
  list(type: string, mesh?: string): readonly Resource[];
  /** A part of that list, or of those of it that are wanted, and how many there are in all. */
  page(type: string, mesh: string | undefined, page: Page, filter?: ResourceFilter): ResourcePage;
}

/** Part of a list. */
export interface ResourcePage {
  /** Length of the whole list. */
  readonly total: number;
  readonly resources: readonly Resource[];
}

/** A reader over the live content of the store. `format` gives the JSON form of a resource, `observed` adds what is observed of it. */
export function createResourceReader(
  types: ResourceTypes,
  live: LiveResources,
  access: Pick<AccessControl, 'requireRead' | 'seesKeys'>,
  format: (resource: Resource) => unknown,
  observed: (resource: Resource) => Resource = (resource) => resource,
): ResourceReader {
  const stored = (type: string, mesh: string, name: string) => live.get({ type, mesh, name });
  const find = (type: string, mesh: string, name: string) => {
    const resource = stored(type, mesh, name);
    return resource && observed(resource);
  };
  // Printed forms are kept by the resource, so the same one has to come back.
  const withoutKeys = new WeakMap<Resource, Resource>();
  const concealed = (resource: Resource): Resource => {
    const known = withoutKeys.get(resource);
    if (known !== undefined) return known;
    const spec = concealSecrets(resource.spec);
    const shown = spec === resource.spec ? resource : { ...resource, spec };
    withoutKeys.set(resource, shown);
    return shown;
  };
  const sorted = (type: string, mesh?: string): readonly Resource[] =>
    mesh === undefined ? sortByMesh(live.list(type)) : live.list(type, mesh);
  return {
    types,
    printed: createPrintedValues(format),
    requireMesh(mesh) {
      if (mesh !== '' && stored('Mesh', '', mesh) === undefined) throw notFound(meshTitle);
    },
    requireRead: (type, user, mesh, name) => access.requireRead(user, { type, mesh, name }),
    shown(resource, user) {
      const hidden = concealed(resource);
      return hidden === resource || access.seesKeys(user, resource) ? resource : hidden;
    },
    find,
    stored,
    get(type, mesh, name, title) {
      const resource = find(type, mesh, name);
      if (resource === undefined) throw notFound(title);
      return resource;
    },
    count: (type) => live.keys(type).length,
    list: (type, mesh) => sorted(type, mesh).map(observed),
    page(type, mesh, page, filter) {
      // Most of a long list is not shown: it is not looked up, and what is observed of it not found out.
      if (mesh !== undefined && filter === undefined) {
        const keys = live.keys(type, mesh);
        const shown = slicePage(keys, page).flatMap((key) => live.resources(type).get(key) ?? []);
        return { total: keys.length, resources: shown.map(observed) };
      }
      const all = sorted(type, mesh);
      const wanted = filter === undefined ? all : all.filter(filter);
      return { total: wanted.length, resources: slicePage(wanted, page).map(observed) };
    },
  };
}

/** Keys sort as `mesh/name`; where one mesh's name begins with another's, that is not the order by mesh. Stable, so names stay sorted. */
function sortByMesh(resources: readonly Resource[]): readonly Resource[] {
  const isSorted = resources.every(
    (resource, index) => index === 0 || (resources[index - 1]?.mesh ?? '') <= resource.mesh,
  );
  return isSorted
    ? resources
    : resources.toSorted((one, other) => (one.mesh < other.mesh ? -1 : one.mesh > other.mesh ? 1 : 0));
}
