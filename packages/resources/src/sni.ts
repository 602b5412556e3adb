// Server names by which TLS connections between zones say which service they are for.
import { displayNameOf } from './kri.ts';
import { labelNames } from './label-names.ts';
import type { Resource } from './resource.ts';
import type { ResourceType } from './resource-type.ts';

/** The server name of one port of a service. */
export interface PortSni {
  readonly port: number;
  readonly sni: string;
}

/** `sni.<short>.<mesh>[.<zone>][.<namespace>].<name>.<section>`; the section is the port's name, or else its number. */
export function formatSni(
  type: ResourceType,
  resource: Pick<Resource, 'mesh' | 'name' | 'labels'>,
  section: string,
): string {
  const { labels } = resource;
  const parts = [
    'sni',
    type.shortName,
    resource.mesh,
    labels[labelNames.zone],
    labels[labelNames.namespace],
    displayNameOf(resource),
    section,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join('.');
}

interface ServicePort {
  readonly port?: number;
  readonly name?: string;
}

/** Server names of all ports of a service; undefined for types that are not services. */
export function snisOf(type: ResourceType, resource: Resource): readonly PortSni[] | undefined {
  const spec = resource.spec as { readonly ports?: readonly ServicePort[]; readonly match?: ServicePort };
  if (type.name === 'MeshExternalService') return portSnis(type, resource, [{ port: spec.match?.port ?? 0 }]);
  return type.name === 'MeshService' || type.name === 'MeshMultiZoneService'
    ? portSnis(type, resource, spec.ports ?? [])
    : undefined;
}

function portSnis(
  type: ResourceType,
  resource: Resource,
  ports: readonly ServicePort[],
): readonly PortSni[] | undefined {
  if (ports.length === 0) return undefined;
  return ports.map(({ port = 0, name }) => ({ port, sni: formatSni(type, resource, name ? name : String(port)) }));
}
