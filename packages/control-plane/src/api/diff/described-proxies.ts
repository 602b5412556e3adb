// What a change would do to the proxies of one instance, in words and plain values: it travels to the instance that was asked, and is put together
// there with what the others say.
import type { EnvoyResource } from '@ursa/envoy';
import { shownResource } from '../inspect/config-view.ts';
import type { ProxyComparison, ProxyGroup, ResourcePair } from './compare-proxies.ts';
import { type FieldChange, fieldChanges } from './field-changes.ts';
import { meaningOf } from './field-meanings.ts';

const detailedGroups = 100;
const fieldsPerResource = 50;

/** An Envoy resource that would become another one. */
export interface DescribedResource {
  readonly type: string;
  readonly name: string;
  readonly action: 'added' | 'removed' | 'changed';
  readonly fields: readonly (FieldChange & { readonly meaning?: string })[];
  /** How many more fields would change; only when there are more. */
  readonly moreFields?: number;
}

/** Proxies, by key, to which the same would happen. */
export interface DescribedGroup {
  readonly proxies: readonly string[];
  readonly resources: readonly DescribedResource[];
}

/** What a change would do to proxies. JSON. */
export interface DescribedProxies {
  readonly compared: number;
  /** Of more groups the largest ones, largest first. */
  readonly groups: readonly DescribedGroup[];
  readonly moreGroups: number;
  /** How many proxies are in the groups that are not described. */
  readonly moreProxies: number;
  /** Names of the resources that would change, by type: a listener of a thousand proxies is one. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Warnings that the change would cause, with the keys of their proxies. */
  readonly warnings: readonly (readonly [message: string, proxies: readonly string[]])[];
}

/** Describes a comparison. */
export function describeProxies({ compared, groups, warnings }: ProxyComparison): DescribedProxies {
  const described = groups.slice(0, detailedGroups).map(describeGroup);
  const names = namesOf(groups.flatMap(({ resources }) => resources).map(({ type, name }) => [type, [name]]));
  return { compared, ...cut(described, groups.slice(detailedGroups)), names, warnings: [...warnings] };
}

/** What several instances say, as one: groups to whose proxies the same would happen become one group. */
export function mergeProxies(all: readonly DescribedProxies[]): DescribedProxies {
  const groups = new Map<string, DescribedGroup>();
  for (const { proxies, resources } of all.flatMap((each) => each.groups)) {
    const key = JSON.stringify(resources);
    groups.set(key, { resources, proxies: [...(groups.get(key)?.proxies ?? []), ...proxies] });
  }
  const sorted = [...groups.values()].sort((one, other) => other.proxies.length - one.proxies.length);
  const kept = cut(sorted.slice(0, detailedGroups), sorted.slice(detailedGroups));
  const warnings = new Map<string, readonly string[]>();
  for (const [message, proxies] of all.flatMap((each) => each.warnings)) {
    warnings.set(message, [...(warnings.get(message) ?? []), ...proxies]);
  }
  const sum = (count: (each: DescribedProxies) => number): number =>
    all.reduce((total, each) => total + count(each), 0);
  return {
    compared: sum((each) => each.compared),
    groups: kept.groups,
    moreGroups: kept.moreGroups + sum((each) => each.moreGroups),
    moreProxies: kept.moreProxies + sum((each) => each.moreProxies),
    names: namesOf(all.flatMap((each) => Object.entries(each.names))),
    warnings: [...warnings],
  };
}

function cut(
  groups: readonly DescribedGroup[],
  others: readonly { readonly proxies: readonly string[] }[],
): Pick<DescribedProxies, 'groups' | 'moreGroups' | 'moreProxies'> {
  const moreProxies = others.reduce((total, { proxies }) => total + proxies.length, 0);
  return { groups, moreGroups: others.length, moreProxies };
}

function namesOf(entries: readonly (readonly [string, readonly string[]])[]): DescribedProxies['names'] {
  const names = new Map<string, Set<string>>();
  for (const [type, some] of entries) {
    const ofType = names.get(type) ?? new Set();
    names.set(type, ofType);
    for (const name of some) ofType.add(name);
  }
  return Object.fromEntries([...names].map(([type, set]) => [type, [...set]]));
}

function describeGroup({ proxies, resources }: ProxyGroup): DescribedGroup {
  return { proxies, resources: resources.map(describePair) };
}

function describePair({ type, name, before, after }: ResourcePair): DescribedResource {
  const all = type === 'secret' ? [] : envoyFields(before, after);
  const fields = all.slice(0, fieldsPerResource);
  return {
    type,
    name,
    action: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
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
