// Which resources of a list a caller wants: by name, by labels, and for data planes by tags and kind.
import type { Resource, ResourceType, Violation } from '@ursa/resources';
import { Failure } from '../http/failure.ts';

/** Says whether a resource is wanted. */
export type ResourceFilter = (resource: Resource) => boolean;

/**
 * Reads `name=` (part of the name), `filter[labels.<key>]=<value>`, and for data planes `tag=<key>:<part of value>` and `gateway=`.
 * `path` is the endpoint's path, named in refusals. Undefined when everything is wanted.
 */
export function parseFilter(
  query: URLSearchParams,
  type: ResourceType,
  path: string,
  title: string,
): ResourceFilter | undefined {
  const filters: ResourceFilter[] = [];
  const name = query.get('name') ?? '';
  if (name !== '') filters.push((resource) => resource.name.includes(name));
  filters.push(...labelFilters(query, path, title));
  if (type.name === 'Dataplane') filters.push(...dataplaneFilters(query, path, title));
  if (type.name === 'ExternalService') filters.push(...tagFilters(query, (spec) => [readTags(spec)]));
  if (filters.length === 0) return undefined;
  return (resource) => filters.every((filter) => filter(resource));
}

const labelsPrefix = 'filter[labels.';

function labelFilters(query: URLSearchParams, path: string, title: string): ResourceFilter[] {
  const violations: Violation[] = [];
  const wanted = new Map<string, string>();
  for (const [parameter, value] of query) {
    if (!parameter.startsWith('filter[')) continue;
    const field = `${path}.${parameter}`;
    if (!parameter.startsWith(labelsPrefix))
      violations.push({ field, message: 'filters are only supported on labels' });
    else if (parameter.indexOf(']') !== parameter.length - 1)
      violations.push({ field, message: 'advanced filters are not supported' });
    else wanted.set(parameter.slice(labelsPrefix.length, -1), value);
  }
  if (violations.length > 0) throw new Failure(400, title, 'Resource is not valid', { violations });
  return [...wanted].map(
    ([key, value]) =>
      ({ labels }) =>
        Object.hasOwn(labels, key) && labels[key] === value,
  );
}

/** What the filters read of a data plane; written documents have passed validation. */
interface DataplaneSpec {
  readonly networking?: {
    readonly gateway?: { readonly type?: string; readonly tags?: Readonly<Record<string, string>> };
    readonly inbound?: readonly { readonly tags?: Readonly<Record<string, string>> }[];
  };
}

const gatewayKinds: Readonly<Record<string, (gateway: { readonly type?: string } | undefined) => boolean>> = {
  true: (gateway) => gateway !== undefined,
  false: (gateway) => gateway === undefined,
  builtin: (gateway) => gateway?.type === 'BUILTIN',
  delegated: (gateway) => gateway !== undefined && gateway.type !== 'BUILTIN',
};

function dataplaneFilters(query: URLSearchParams, path: string, title: string): ResourceFilter[] {
  const filters = tagFilters(query, (spec) => {
    const networking = (spec as DataplaneSpec).networking;
    return [networking?.gateway, ...(networking?.inbound ?? [])].map(readTags);
  });
  const gateway = (query.get('gateway') ?? '').toLowerCase();
  if (gateway === '') return filters;
  const kind = Object.hasOwn(gatewayKinds, gateway) ? gatewayKinds[gateway] : undefined;
  if (kind === undefined) {
    const violation = {
      field: `${path}.gateway`,
      message: `shoud use \`true\`, \`false\`, 'builtin' or 'delegated' instead of ${gateway}`,
    };
    throw new Failure(400, title, 'Resource is not valid', { violations: [violation] });
  }
  return [...filters, (resource) => kind((resource.spec as DataplaneSpec).networking?.gateway)];
}

/** One set of tags must have them all; a value matches when it contains the one asked for. */
function tagFilters(
  query: URLSearchParams,
  tagSetsOf: (spec: unknown) => readonly Readonly<Record<string, string>>[],
): ResourceFilter[] {
  const wanted = query.getAll('tag').flatMap((text) => {
    const separator = text.indexOf(':');
    return separator < 0 ? [] : [{ key: text.slice(0, separator), part: text.slice(separator + 1) }];
  });
  if (wanted.length === 0) return [];
  const matches = (tags: Readonly<Record<string, string>>) =>
    wanted.every(({ key, part }) => Object.hasOwn(tags, key) && (part === '*' || tags[key]?.includes(part) === true));
  return [(resource) => tagSetsOf(resource.spec).some(matches)];
}

function readTags(holder: unknown): Readonly<Record<string, string>> {
  return (holder as { readonly tags?: Readonly<Record<string, string>> } | undefined)?.tags ?? {};
}
