// The answer of a diff: what would become of resources, of proxies and of their Envoy's configuration.
import type { EnvoyResource } from '@ursa/envoy';
import type { Resource } from '@ursa/resources';
import { type TSchema, Type } from 'typebox';
import type { PreviewedChange } from '../../store/resource-manager.ts';
import { shownResource } from '../inspect/config-view.ts';
import type { ProxyComparison, ProxyGroup, ResourcePair } from './compare-proxies.ts';
import { type FieldChange, fieldChanges } from './field-changes.ts';
import { meaningOf } from './field-meanings.ts';
import type { PlannedChange } from './planned-change.ts';

// What is listed of each; counts are always whole.
const namedProxies = 20;
const detailedGroups = 100;
const fieldsPerResource = 50;

const fieldSchema = Type.Object({
  path: Type.String(),
  meaning: Type.Optional(Type.String()),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
});
const action = Type.Enum(['added', 'removed', 'changed']);

/** Shape of the answer. */
export const changeSchema: TSchema = Type.Object(
  {
    revision: Type.Integer(),
    changes: Type.Boolean(),
    counts: Type.Object({
      resources: Type.Integer(),
      policies: Type.Integer(),
      proxies: Type.Integer(),
      connectedProxies: Type.Integer(),
      envoyResources: Type.Record(Type.String(), Type.Integer()),
    }),
    resources: Type.Array(
      Type.Object({
        type: Type.String(),
        mesh: Type.String(),
        name: Type.String(),
        action: Type.Enum(['added', 'removed', 'changed', 'unchanged']),
        dataplanes: Type.Optional(Type.Integer()),
        fields: Type.Array(fieldSchema),
        before: Type.Optional(Type.Unknown()),
        after: Type.Optional(Type.Unknown()),
      }),
    ),
    groups: Type.Array(
      Type.Object({
        proxies: Type.Array(Type.String()),
        total: Type.Integer(),
        resources: Type.Array(
          Type.Object({
            type: Type.String(),
            name: Type.String(),
            action,
            fields: Type.Array(fieldSchema),
            moreFields: Type.Optional(Type.Integer()),
          }),
        ),
      }),
    ),
    moreGroups: Type.Optional(Type.Integer()),
    warnings: Type.Array(
      Type.Object({ message: Type.String(), proxies: Type.Array(Type.String()), total: Type.Integer() }),
    ),
  },
  { title: 'Diff' },
);

/** Proxies that are connected to another instance. */
export interface ProxiesElsewhere {
  readonly instance: string;
  readonly proxies: number;
}

/** What the answer is made of. */
export interface ChangeFacts {
  readonly revision: number;
  readonly plan: PlannedChange;
  readonly proxies: ProxyComparison;
  /** Proxies of other instances, which only these could compare. */
  readonly elsewhere: readonly ProxiesElsewhere[];
  /** True for types of policies. */
  readonly isPolicy: (type: string) => boolean;
  /** How many Dataplanes a policy applies to now, or would; undefined for what is no policy with a `targetRef`. */
  readonly dataplanesOf: (change: PreviewedChange) => number | undefined;
  /** A resource in the form of the API, defaults filled in. */
  readonly format: (resource: Resource) => unknown;
}

function formatElsewhere({ instance, proxies }: ProxiesElsewhere): unknown {
  const what = `${proxies} ${proxies === 1 ? 'proxy that is' : 'proxies that are'} connected to the instance ${instance}`;
  return { message: `${what} of the control plane were not compared: ask that one too`, proxies: [], total: 0 };
}

/** The answer. */
export function formatChange(facts: ChangeFacts): unknown {
  const { plan, proxies } = facts;
  const groups = proxies.groups.slice(0, detailedGroups);
  const more = proxies.groups.length - groups.length;
  return {
    revision: facts.revision,
    changes: plan.changes.length > 0,
    counts: {
      resources: plan.changes.length,
      policies: plan.changes.filter(({ key }) => facts.isPolicy(key.type)).length,
      proxies: proxies.groups.reduce((sum, group) => sum + group.proxies.length, 0),
      connectedProxies: proxies.compared,
      envoyResources: countResources(proxies.groups),
    },
    resources: [
      ...plan.changes.map((change) => formatResourceChange(change, facts)),
      ...plan.unchanged.map((key) => ({ ...key, action: 'unchanged', fields: [] })),
    ],
    groups: groups.map(formatGroup),
    ...(more > 0 ? { moreGroups: more } : {}),
    warnings: [...formatWarnings(facts), ...facts.elsewhere.map(formatElsewhere)],
  };
}

/** Distinct names by type: a listener of a thousand proxies is one. */
function countResources(groups: readonly ProxyGroup[]): Readonly<Record<string, number>> {
  const names = new Map<string, Set<string>>();
  for (const { type, name } of groups.flatMap(({ resources }) => resources)) {
    names.set(type, (names.get(type) ?? new Set()).add(name));
  }
  return Object.fromEntries([...names].map(([type, set]) => [type, set.size]));
}

const actionOf = (before: unknown, after: unknown) =>
  before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';

// Times and the address of the answer are no part of what a user wrote.
const ownFields = new Set(['creationTime', 'modificationTime', 'kri']);

function contentOf(resource: Resource, format: ChangeFacts['format']): unknown {
  const formatted = Object.entries(format(resource) as object);
  return Object.fromEntries(formatted.filter(([field]) => !ownFields.has(field)));
}

function formatResourceChange(change: PreviewedChange, facts: ChangeFacts): unknown {
  const { key, before, after } = change;
  const dataplanes = facts.dataplanesOf(change);
  const head = {
    ...key,
    action: actionOf(before, after),
    ...(dataplanes === undefined ? {} : { dataplanes }),
  };
  // Neither the old nor the new content of a secret is told.
  if (key.type.endsWith('Secret')) return { ...head, fields: before && after ? [{ path: 'data' }] : [] };
  const [old, now] = [before, after].map((resource) => resource && contentOf(resource, facts.format));
  const fields = old === undefined || now === undefined ? [] : fieldChanges(old, now);
  return {
    ...head,
    fields,
    ...(old === undefined ? {} : { before: old }),
    ...(now === undefined ? {} : { after: now }),
  };
}

function formatGroup({ proxies, resources }: ProxyGroup): unknown {
  return {
    proxies: proxies.slice(0, namedProxies),
    total: proxies.length,
    resources: resources.map(formatPair),
  };
}

function formatPair({ type, name, before, after }: ResourcePair): unknown {
  const all = type === 'secret' ? [] : envoyFields(before, after);
  const fields = all.slice(0, fieldsPerResource);
  return {
    type,
    name,
    action: actionOf(before, after),
    fields: fields.map((field) => {
      const meaning = meaningOf(field.path);
      return meaning === undefined ? field : { ...field, meaning };
    }),
    ...(all.length > fields.length ? { moreFields: all.length - fields.length } : {}),
  };
}

function envoyFields(before: EnvoyResource | undefined, after: EnvoyResource | undefined): readonly FieldChange[] {
  if (before === undefined || after === undefined) return [];
  return fieldChanges(shownResource(before), shownResource(after));
}

function formatWarnings({ plan, proxies, dataplanesOf }: ChangeFacts): readonly unknown[] {
  const ofChange = plan.warnings.map((message) => ({ message, proxies: [], total: 0 }));
  const idle = plan.changes
    .filter((change) => change.after !== undefined && dataplanesOf(change) === 0)
    .map(({ key }) => ({ message: `${key.type} ${key.name} applies to no data plane proxy`, proxies: [], total: 0 }));
  const ofProxies = [...proxies.warnings].map(([message, keys]) => ({
    message,
    proxies: keys.slice(0, namedProxies),
    total: keys.length,
  }));
  return [...ofChange, ...idle, ...ofProxies];
}
