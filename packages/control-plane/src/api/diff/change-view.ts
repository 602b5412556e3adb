// The answer of a diff: what would become of resources, of proxies and of their Envoy's configuration.
import type { Finding } from '@ursa/engine';
import type { Resource, ResourceKey } from '@ursa/resources';
import { type TSchema, Type } from 'typebox';
import type { PreviewedChange } from '../../store/resource-manager.ts';
import type { DescribedGroup, DescribedProxies } from './described-proxies.ts';
import { fieldChanges } from './field-changes.ts';
import type { PlannedChange } from './planned-change.ts';

// What is listed of each; counts are always whole.
const namedProxies = 20;

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

/** An instance that could not say what would become of its proxies. */
export interface SilentInstance {
  readonly instance: string;
  readonly proxies: number;
  readonly reason: string;
}

/** What the answer is made of. */
export interface ChangeFacts {
  readonly revision: number;
  readonly plan: PlannedChange;
  /** Of all instances that answered. */
  readonly proxies: DescribedProxies;
  readonly silent: readonly SilentInstance[];
  /** True for types of policies. */
  readonly isPolicy: (type: string) => boolean;
  /** How many Dataplanes a policy applies to now, or would; undefined for what is no policy with a `targetRef`. */
  readonly dataplanesOf: (change: PreviewedChange) => number | undefined;
  /** What the references of a policy would find nothing for. */
  readonly findingsOf: (change: PreviewedChange) => readonly Finding[];
  /** Why a policy would have no effect where it applies. */
  readonly idleFindingsOf: (change: PreviewedChange) => readonly Finding[];
  /** A resource in the form of the API, defaults filled in. */
  readonly format: (resource: Resource) => unknown;
}

function formatSilent({ instance, proxies, reason }: SilentInstance): unknown {
  const what = `${proxies} ${proxies === 1 ? 'proxy' : 'proxies'} of the instance ${instance} of the control plane`;
  return { message: `${what} could not be compared: ${reason}`, proxies: [], total: 0 };
}

/** The answer. */
export function formatChange(facts: ChangeFacts): unknown {
  const { plan, proxies } = facts;
  return {
    revision: facts.revision,
    changes: plan.changes.length > 0,
    counts: {
      resources: plan.changes.length,
      policies: plan.changes.filter(({ key }) => facts.isPolicy(key.type)).length,
      proxies: proxies.groups.reduce((sum, group) => sum + group.proxies.length, proxies.moreProxies),
      connectedProxies: proxies.compared,
      envoyResources: Object.fromEntries(Object.entries(proxies.names).map(([type, names]) => [type, names.length])),
    },
    resources: [
      ...plan.changes.map((change) => formatResourceChange(change, facts)),
      ...plan.unchanged.map((key) => ({ ...key, action: 'unchanged', fields: [] })),
    ],
    groups: proxies.groups.map(formatGroup),
    ...(proxies.moreGroups > 0 ? { moreGroups: proxies.moreGroups } : {}),
    warnings: [...formatWarnings(facts), ...facts.silent.map(formatSilent)],
  };
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

function formatGroup({ proxies, resources }: DescribedGroup): unknown {
  return { proxies: proxies.slice(0, namedProxies), total: proxies.length, resources };
}

const isSame = (one: ResourceKey | undefined, other: ResourceKey): boolean =>
  one?.type === other.type && one.mesh === other.mesh && one.name === other.name;

function formatWarnings({ plan, proxies, dataplanesOf, findingsOf, idleFindingsOf }: ChangeFacts): readonly unknown[] {
  const ofChange = plan.warnings.map((message) => ({ message, proxies: [], total: 0 }));
  // Where a proxy changes, a policy has an effect, or nobody will wonder that one of many has none.
  const reachesNone = proxies.groups.length === 0 && proxies.compared > 0;
  const found = [...plan.changes.flatMap(findingsOf), ...(reachesNone ? plan.changes.flatMap(idleFindingsOf) : [])];
  // A mesh that comes with the change has no proxies yet, whatever its policies say.
  const meshes = plan.changes.filter(({ key, before }) => key.type === 'Mesh' && before === undefined);
  const isNew = new Set(meshes.map(({ key }) => key.name));
  const idle = plan.changes
    .filter((change) => change.after !== undefined && dataplanesOf(change) === 0 && !isNew.has(change.key.mesh))
    .filter(({ key }) => !found.some(({ code, resource }) => code === 'selects-nothing' && isSame(resource, key)))
    .map(({ key }) => ({ message: `${key.type} ${key.name} applies to no data plane proxy`, proxies: [], total: 0 }));
  const ofReferences = found.map(({ message, fix }) => ({ message: `${message}; ${fix}`, proxies: [], total: 0 }));
  const ofProxies = [...proxies.warnings].map(([message, keys]) => ({
    message,
    proxies: keys.slice(0, namedProxies),
    total: keys.length,
  }));
  return [...ofChange, ...idle, ...ofReferences, ...ofProxies];
}
