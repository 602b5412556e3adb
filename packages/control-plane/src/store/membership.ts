// Which Dataplanes a mesh lets in, by the tags of their inbounds or gateway (Mesh `constraints.dataplaneProxy`). Asked at creation only.
import type { DataplaneSpec, MeshSpec, ResourceDraft } from '@ursa/resources';
import { refusal } from './mesh-rules.ts';

type Tags = Readonly<Record<string, string>>;

/** Throws `invalid`, with the tags that do not fit, when the mesh does not let the Dataplane in. */
export function checkMembership(mesh: MeshSpec, dataplane: ResourceDraft): void {
  const constraints = mesh.constraints?.dataplaneProxy;
  if (constraints === undefined) return;
  const requirements = constraints.requirements ?? [];
  const restrictions = constraints.restrictions ?? [];
  for (const { field, tags } of tagSetsOf(dataplane.spec as DataplaneSpec)) {
    const shown = formatTags(tags);
    if (requirements.length > 0 && !requirements.some((requirement) => matches(requirement.tags ?? {}, tags))) {
      throw refusal(
        field,
        `the tags ${shown} meet none of the requirements of mesh "${dataplane.mesh}" (constraints.dataplaneProxy)`,
      );
    }
    const restriction = restrictions.find((candidate) => matches(candidate.tags ?? {}, tags));
    if (restriction !== undefined) {
      const denied = formatTags(restriction.tags ?? {});
      throw refusal(
        field,
        `the tags ${shown} match ${denied}, which mesh "${dataplane.mesh}" restricts (constraints.dataplaneProxy)`,
      );
    }
  }
}

function tagSetsOf({ networking }: DataplaneSpec): readonly { field: string; tags: Tags }[] {
  const inbounds = networking?.inbound ?? [];
  const sets = inbounds.map(({ tags }, position) => ({
    field: `networking.inbound[${position}].tags`,
    tags: tags ?? {},
  }));
  const gateway = networking?.gateway;
  return gateway === undefined ? sets : [...sets, { field: 'networking.gateway.tags', tags: gateway.tags ?? {} }];
}

/** `*` asks for any value. */
function matches(wanted: Tags, tags: Tags): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    value === '*' ? (tags[name] ?? '') !== '' : tags[name] === value,
  );
}

function formatTags(tags: Tags): string {
  return `{${Object.keys(tags)
    .sort()
    .map((name) => `${name}=${tags[name]}`)
    .join(', ')}}`;
}
