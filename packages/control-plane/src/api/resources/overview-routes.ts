// Overviews: a proxy or zone together with what is known of it now (its insight). GET …/{name}/_overview, …/_overview, and their older paths.
import {
  type DiscoverySubscription,
  describeEnvoyBelowFloor,
  describeIncompatible,
  kriOf,
  type Resource,
  type ResourceType,
} from '@ursa/resources';
import { Type } from 'typebox';
import { formatJson, printItem } from '../http/json-text.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { listQuery } from '../openapi/parameters.ts';
import { pageSchema } from '../openapi/resource-schemas.ts';
import { answerList } from './list-answer.ts';
import { pathOf } from './read-routes.ts';
import type { ResourceReader } from './reader.ts';

/** A type that has overviews. */
interface Overviewed {
  /** Type of its insight. */
  readonly insight: string;
  /** Older paths of the list, beside `<path>/_overview`; one resource is at `<older>/{name}`. */
  readonly older: readonly string[];
}

const overviewed: Readonly<Record<string, Overviewed>> = {
  Dataplane: { insight: 'DataplaneInsight', older: ['dataplanes+insights'] },
  Zone: { insight: 'ZoneInsight', older: ['zones+insights'] },
  ZoneIngress: { insight: 'ZoneIngressInsight', older: ['zoneingresses+insights'] },
  ZoneEgress: { insight: 'ZoneEgressInsight', older: ['zoneegresses+insights', 'zoneegressoverviews'] },
};

/** The overview endpoints of all types that have them. */
export function overviewRoutes(reader: ResourceReader): readonly Route[] {
  return Object.entries(overviewed).flatMap(([name, { insight, older }]) => {
    const type = reader.types.byName(name);
    return type === undefined ? [] : routesOf(type, insight, older, reader);
  });
}

function routesOf(type: ResourceType, insight: string, older: readonly string[], reader: ResourceReader): Route[] {
  const print = printOverviews(type, insight, reader);
  const tag = type.name;
  const current = pathOf(type);
  const lists = [
    `${current}/_overview`,
    ...older.map((path) => pathOf(type, path)),
    ...(type.scope === 'Mesh' ? [`/${type.path}/_overview`, ...older.map((path) => `/${path}`)] : []),
  ];
  const singles = [`${current}/{name}/_overview`, ...older.map((path) => `${pathOf(type, path)}/{name}`)];
  const list = (path: string): Route => ({
    method: 'GET',
    path,
    tag,
    summary: `Lists ${type.pluralDisplayName} with their insights`,
    query: listQuery,
    answers: { 200: pageSchema(`${type.name}OverviewList`, overviewSchema(type)) },
    handle: (call) => answerList({ type, path, reader, print }, call),
  });
  const single = (path: string): Route => ({
    method: 'GET',
    path,
    tag,
    summary: `Gets a ${type.singularDisplayName} with its insight`,
    answers: { 200: overviewSchema(type) },
    handle: (call) => getOverview(type, insight, reader, call),
  });
  return [...singles.map(single), ...lists.map(list)];
}

function overviewSchema(type: ResourceType) {
  return Type.Object({
    type: Type.Literal(`${type.name}Overview`),
    ...(type.scope === 'Mesh' ? { mesh: Type.String() } : {}),
    name: Type.String(),
    creationTime: Type.String(),
    modificationTime: Type.String(),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    kri: Type.Optional(Type.String()),
    [fieldOf(type.name)]: Type.Object({}),
    [`${fieldOf(type.name)}Insight`]: Type.Optional(Type.Object({})),
    warnings: Type.Optional(Type.Array(Type.String())),
  });
}

function getOverview(type: ResourceType, insight: string, reader: ResourceReader, call: Call): Answer {
  const { mesh = '', name = '' } = call.params;
  reader.requireMesh(mesh);
  reader.requireRead(type, call.user, mesh, name);
  const resource = reader.get(type.name, mesh, name, 'Could not retrieve a resource');
  const spec = reader.find(insight, mesh, name)?.spec ?? {};
  return { status: 200, body: formatJson(formatOverview(type, resource, spec)) };
}

/** Prints overviews as items of lists, anew only when the resource or its insight is another than the last time. */
function printOverviews(
  type: ResourceType,
  insightType: string,
  reader: ResourceReader,
): (resource: Resource) => Buffer {
  const kept = new WeakMap<Resource, { readonly insight: Resource | undefined; readonly item: Buffer }>();
  return (resource) => {
    const insight = reader.find(insightType, resource.mesh, resource.name);
    const known = kept.get(resource);
    if (known !== undefined && known.insight === insight) return known.item;
    const item = printItem(formatOverview(type, resource, insight?.spec));
    kept.set(resource, { insight, item });
    return item;
  };
}

/** `{type: XOverview, …, x: spec, xInsight: spec}`; without the last field where there is no insight. */
function formatOverview(type: ResourceType, resource: Resource, insight: unknown): unknown {
  const kri = kriOf(type, resource);
  return {
    type: `${type.name}Overview`,
    ...(type.scope === 'Mesh' ? { mesh: resource.mesh } : {}),
    name: resource.name,
    creationTime: resource.creationTime,
    modificationTime: resource.modificationTime,
    ...(Object.keys(resource.labels).length > 0 ? { labels: resource.labels } : {}),
    ...(kri === undefined ? {} : { kri }),
    [fieldOf(type.name)]: resource.spec,
    ...(insight === undefined ? {} : { [`${fieldOf(type.name)}Insight`]: insight }),
    ...warningsOf(insight),
  };
}

/** What is wrong with what runs there; absent when nothing is. */
function warningsOf(insight: unknown): { readonly warnings?: readonly string[] } {
  const { subscriptions = [] } = (insight ?? {}) as { readonly subscriptions?: readonly DiscoverySubscription[] };
  const newest = subscriptions.at(-1) ?? {};
  const vulnerable = describeEnvoyBelowFloor(newest.version?.envoy?.version ?? '');
  const warnings = [...describeIncompatible(newest), ...(vulnerable === undefined ? [] : [vulnerable])];
  return warnings.length === 0 ? {} : { warnings };
}

function fieldOf(typeName: string): string {
  return `${typeName[0]?.toLowerCase() ?? ''}${typeName.slice(1)}`;
}
