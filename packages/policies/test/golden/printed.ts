// Our rules in the shapes of the golden files.
import type { DestinationId, InboundRule, OutboundRules, PolicyHead, RuleOrigin, SubsetRule } from '@ursa/policy';
import { destinationId } from '@ursa/policy';
import { formatKri, formatResource, kriOf, type Resource } from '@ursa/resources';
import { types } from './seed.ts';

/** A resource as the REST API lists it. */
export function printedResource(resource: Resource): unknown {
  const type = types.byName(resource.type);
  return type && formatResource(type, resource);
}

/** Answer to a question for resources. */
export function printedList(resources: readonly Resource[]): unknown {
  return { items: resources.map(printedResource), next: null, total: 0 };
}

/** What identifies a resource: in REST form. */
export function printedMeta(resource: Resource): unknown {
  const type = types.byName(resource.type);
  const { type: name, mesh, creationTime, modificationTime, labels } = resource;
  return {
    ...{ type: name, name: resource.name, creationTime, modificationTime, kri: type && kriOf(type, resource) },
    ...(mesh === '' ? {} : { mesh }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** The same in the form of those resources that golden cases made in code. */
export function printedMadeMeta(resource: Resource & { readonly nameExtensions?: unknown }): unknown {
  if (resource.type === 'Mesh') return printedMeta(resource);
  return {
    Name: resource.name,
    Mesh: resource.mesh,
    Labels: resource.labels,
    CreationTime: resource.creationTime,
    ModificationTime: resource.modificationTime,
    NameExtensions: resource.nameExtensions ?? null,
    Version: '',
  };
}

type PrintMeta = (resource: Resource) => unknown;

/** Rules by tags. */
export function printedSubsets(rules: readonly SubsetRule[], originByMatches: unknown = {}): unknown {
  return rules.map(({ conf, origins, subset }) => ({
    Conf: conf,
    Origin: origins.map((head) => printedMeta(head.resource)),
    OriginByMatches: originByMatches,
    Subset: subset.map(({ key, value, not }) => ({ Key: key, Not: not, Value: value })),
  }));
}

/** Rules of an inbound. */
export function printedInbound(rules: readonly InboundRule[]): unknown {
  return rules.map(({ conf, match = null, origin }) => ({
    conf,
    match,
    origin: printedOrigin(origin, printedMeta),
  }));
}

/** Rules for real resources, by KRI. */
export function printedOutbound(rules: OutboundRules, printMeta: PrintMeta = printedMeta): unknown {
  return Object.fromEntries(
    [...rules.values()].map(({ destination, confs, origins, originByMatches }) => [
      kriOfDestination(destinationId(destination.resource, destination.sectionName)),
      {
        Conf: confs,
        Origin: origins.map((origin) => printedOrigin(origin, printMeta)),
        OriginByMatches: Object.fromEntries(
          Object.entries(originByMatches).map(([hash, origin]) => [hash, printedOrigin(origin, printMeta)]),
        ),
        Resource: printMeta(destination.resource),
        ResourceSectionName: destination.sectionName,
      },
    ]),
  );
}

function printedOrigin({ head, ruleIndex }: RuleOrigin, printMeta: PrintMeta): unknown {
  return { Resource: printMeta(head.resource), RuleIndex: ruleIndex };
}

function kriOfDestination({ type, sectionName, ...id }: DestinationId): string {
  return formatKri({ ...id, type: types.byName(type)?.shortName ?? '', section: sectionName });
}

/** Entry of a sorted `to` list. */
export function printedEntry(item: {
  readonly head: PolicyHead;
  readonly entry: unknown;
  readonly ruleIndex: number;
}): unknown {
  return {
    Entry: item.entry,
    Meta: printedMeta(item.head.resource),
    RuleIndex: item.ruleIndex,
    TopLevel: item.head.targetRef,
  };
}
