// Two policies of different kinds for the same proxies, each changed in one place, or in none: what neither comes to alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtinPolicies } from '@ursa/policies';
import type { Resource, ResourceType } from '@ursa/resources';
import { parseAllDocuments } from 'yaml';
import type { SchemaNode } from '../../../resources/src/schema/schema-node.ts';
import { configsOf, firstEffect, type Shown } from './show-each.ts';
import type { ShownResource, ShownScenario } from './shown-scenario.ts';
import { type Variant, variantsOf } from './variants.ts';

interface TargetRef {
  readonly kind: string;
}

interface PolicySpec {
  readonly targetRef?: TargetRef;
  readonly to?: readonly { readonly targetRef?: TargetRef }[];
}

/** A policy that somebody wrote for another mesh. */
export interface Donor {
  readonly type: ResourceType;
  readonly spec: PolicySpec;
}

const types = new Map(builtinPolicies.map(({ resourceType }) => [resourceType.name, resourceType]));

/** The policies of these scenarios, by kind. */
export function donorsOf(folders: readonly string[], judged: readonly string[]): ReadonlyMap<string, readonly Donor[]> {
  const donors = folders.flatMap((folder) =>
    parseAllDocuments(readFileSync(join(folder, 'mesh.yaml'), 'utf8')).flatMap((document): Donor[] => {
      const { type: name = '', spec = {} } = document.toJS() as { readonly type?: string; readonly spec?: PolicySpec };
      const type = types.get(name);
      return type === undefined || judged.includes(name) ? [] : [{ type, spec }];
    }),
  );
  return Map.groupBy(donors, ({ type }) => type.name);
}

/** Attempts at a value that the validators accept. */
const attempts = 8;

/** Draws pairs and tells where they show. `services`: what the scenario's proxies call. */
export function* pairsToShow(
  scenario: ShownScenario,
  donors: ReadonlyMap<string, readonly Donor[]>,
  services: readonly string[],
  count: number,
  random: (below: number) => number,
  refusals: string[],
): Generator<Shown> {
  const before = configsOf(scenario);
  const kinds = [...donors.keys()].sort();
  const oneOf = <Item>(list: readonly Item[]): Item => list[random(list.length)] as Item;

  const draw = (kind: string): readonly [ShownResource, Resource, Variant] | undefined => {
    const { type, spec } = oneOf(donors.get(kind) ?? []);
    const moved = { ...spec, targetRef: { kind: 'Mesh' }, ...(spec.to && { to: spec.to.map(towards) }) };
    const of = standIn(type);
    // Some places only, as to make all values takes longer than to show one.
    const some = [...variantsOf(type.spec as SchemaNode, moved, kind, () => random(20) === 0)];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const asItIs = { value: moved, place: kind, content: '(as it is)' };
      const isLeft = some.length === 0 || attempt === attempts - 1 || random(4) === 0;
      const variant = isLeft ? asItIs : oneOf(some);
      const changed = scenario.accepted(of, variant.value);
      if (changed !== undefined) return [of, changed, variant];
    }
    return undefined;
  };
  const towards = (entry: { readonly targetRef?: TargetRef }) =>
    entry.targetRef?.kind === 'Mesh' ? entry : { ...entry, targetRef: { kind: 'MeshService', name: oneOf(services) } };

  for (let pair = 0; pair < count; pair += 1) {
    const kind = oneOf(kinds);
    const one = draw(kind);
    const other = draw(oneOf(kinds.filter((each) => each !== kind)));
    if (one === undefined || other === undefined) continue;
    const change = { place: `${one[2].place} and ${other[2].place}`, content: [one[2].content, other[2].content] };
    const shown = scenario.whileIs(one[0], one[1], () =>
      scenario.whileIs(other[0], other[1], () => firstEffect(scenario, before, change, refusals)),
    );
    if (shown !== undefined) yield shown;
  }
}

/** A resource that is not there yet. */
function standIn(type: ResourceType): ShownResource {
  const time = '2026-01-01T00:00:00Z';
  const name = 'drawn';
  const head = { type: type.name, mesh: 'default', name, labels: {}, creationTime: time, modificationTime: time };
  return { type, key: `default/${name}`, resource: { ...head, version: 1, spec: {} } };
}
