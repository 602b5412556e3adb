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

/** FNV-1a, 64 bits, as 16 hex digits. */
export function fnv64a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** Bytes that TLS has for a server name. */
const longestSni = 255;
/** Bytes of a longer one that are kept: what is cut may be within a character, and the hash comes after it. */
const keptOfSni = 230;

/**
 * A server name that TLS can carry: the name itself, or its beginning with its hash. Envoy refuses longer ones, so that no peer has them: whoever
 * asks and whoever answers only have to cut the same way.
 */
export function fitSni(sni: string): string {
  const bytes = new TextEncoder().encode(sni);
  if (bytes.length <= longestSni) return sni;
  return `${new TextDecoder().decode(bytes.subarray(0, keptOfSni))}.${fnv64a(sni)}`;
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
  return fitSni(parts.filter((part) => part !== undefined && part !== '').join('.'));
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
