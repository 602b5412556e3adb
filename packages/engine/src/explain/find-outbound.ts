// Where the client calls: its outbound to the destination, or why it has none.
import { closestName, displayNameOf, type Resource } from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { Destination } from '../destinations.ts';
import { type Finding, finding } from '../lint/finding.ts';
import type { Outbound } from '../outbounds.ts';
import { type CallMode, isLoopback } from '../reach/call-mode.ts';
import { dataplanesIn, type ExplainParts, servicesOf } from './explain-parts.ts';
import type { Question } from './explanation.ts';
import { proxiesNamed } from './find-client.ts';

/** A proxy that can answer, and at which of its inbounds. */
export interface Instance {
  readonly proxy: DataplaneFacts;
  readonly position: number;
  readonly ready: boolean;
}

/** Everyone behind a destination, ready or not. */
export function instancesOf(
  parts: ExplainParts,
  { source, mesh }: Pick<Destination, 'source' | 'mesh'>,
): readonly Instance[] {
  const inbounds = new Set(parts.endpoints.inboundsOf(source));
  return dataplanesIn(parts, mesh).flatMap((proxy) =>
    proxy.inbounds.flatMap((inbound, position) =>
      inbounds.has(inbound) ? [{ proxy, position, ready: inbound.ready }] : [],
    ),
  );
}

/** Name of a destination as users know it. */
export function nameOf({ target }: Destination): string {
  return target.kind === 'service' ? target.service : target.id.name;
}

/** The outbound that the question means, or what is in its way. */
export function findOutbound(
  parts: ExplainParts,
  client: DataplaneFacts,
  calls: CallMode,
  { mesh, to, port }: Question,
): Outbound | Finding {
  const meant = meantBy(parts, parts.outbounds(`${mesh}/${client.name}`, calls), { mesh, to });
  const [first] = meant;
  if (first === undefined) return whyNone(parts, client, calls, { mesh, to });
  if (port === undefined) return first;
  const atPort = meant.find((outbound) => outbound.port === port);
  if (atPort !== undefined) return atPort;
  const ports = [...new Set(meant.map((outbound) => outbound.port))].sort((left, right) => left - right);
  return finding(
    'wrong-port',
    `${client.name} reaches ${to} at port ${ports.join(', ')}, not at ${port}`,
    `call port ${ports[0]}, or add the port ${port} to the service`,
    { type: 'Dataplane', mesh, name: client.name },
    'networking.outbound',
  );
}

/** The outbound that the client would have if what is behind it let the client in. */
export function findUnpermitted(
  parts: ExplainParts,
  client: DataplaneFacts,
  calls: CallMode,
  { mesh, to, port }: Question,
): Outbound | undefined {
  const all = parts.unpermitted.get(`${mesh}/${client.name}`, calls);
  return meantBy(parts, all, { mesh, to }).find((outbound) => port === undefined || outbound.port === port);
}

function meantBy(
  parts: ExplainParts,
  outbounds: readonly Outbound[],
  { mesh, to }: Pick<Question, 'mesh' | 'to'>,
): readonly Outbound[] {
  const named = outbounds.filter(({ destination }) =>
    [nameOf(destination), destination.legacyName, destination.kri].includes(to),
  );
  return named.length > 0 ? named : leadingTo(parts, outbounds, `${mesh}/${to}`);
}

/** Outbounds with a proxy among those behind them. */
function leadingTo(parts: ExplainParts, outbounds: readonly Outbound[], proxyKey: string): readonly Outbound[] {
  const own = parts.dataplane.get(proxyKey)?.inbounds ?? [];
  if (own.length === 0) return [];
  return outbounds.filter(({ destination }) =>
    parts.endpoints.inboundsOf(destination.source).some((inbound) => own.includes(inbound)),
  );
}

function whyNone(
  parts: ExplainParts,
  client: DataplaneFacts,
  calls: CallMode,
  { mesh, to }: Pick<Question, 'mesh' | 'to'>,
): Finding {
  const at = { type: 'Dataplane', mesh, name: client.name };
  const meshServices = ['MeshService', 'MeshMultiZoneService', 'MeshExternalService'].flatMap((type) => {
    const services = parts.inputs.resources(type);
    return services.keys().flatMap((key) => {
      const service = services.get(key);
      return service?.mesh === mesh ? [service] : [];
    });
  });
  const resource = meshServices.find((candidate) => displayNameOf(candidate) === to);
  const serving = proxiesNamed(parts, mesh, to);
  if (serving.length === 0 && resource === undefined) {
    const everyone = dataplanesIn(parts, mesh);
    const close = closestName(to, [
      ...everyone.flatMap(servicesOf),
      ...meshServices.map(displayNameOf),
      ...everyone.map(({ name }) => name),
    ]);
    // Services may have dots in their names; host names of others have them always.
    const otherwise = to.includes('.')
      ? '; a server outside of the mesh is one of it with a MeshExternalService: what has none is passed on, as MeshPassthrough and networking.outbound.passthrough of the Mesh say'
      : '';
    const advice =
      close === undefined
        ? `start a proxy whose inbound has this kuma.io/service${otherwise}`
        : `did you mean ${JSON.stringify(close)}?`;
    return finding(
      'unknown-destination',
      `nothing in the mesh ${mesh} is called ${JSON.stringify(to.slice(0, 100))}`,
      advice,
    );
  }
  const service = serving.flatMap(servicesOf)[0] ?? to;
  if (calls === 'explicit') {
    return finding(
      'no-outbound',
      `${client.name} has no outbound to ${service}`,
      `add {port: <free port>, ${serving.length === 0 && resource ? referenceTo(resource) : tagOf(service)}} to its networking.outbound`,
      at,
      'networking.outbound',
    );
  }
  const { reachableServices, reachableBackends } = client;
  const unbound =
    calls === 'bound'
      ? meantBy(parts, parts.unpermitted.get(`${mesh}/${client.name}`, 'redirected'), { mesh, to })
      : [];
  const elsewhere = unbound.find(({ address }) => !isLoopback(address));
  if (elsewhere !== undefined) {
    return finding(
      'not-reachable',
      `${client.name} cannot listen on the virtual address of ${to}, ${elsewhere.address}: it is none of the loopback`,
      'give the control plane ranges within 127.0.0.0/8 (KUMA_DNS_SERVER_CIDR, KUMA_IPAM_MESH_SERVICE_CIDR and the others)',
    );
  }
  const byBackends = reachableBackends !== undefined && (reachableServices === undefined || resource !== undefined);
  const field = byBackends ? 'reachableBackends' : 'reachableServices';
  const list = byBackends
    ? reachableBackends.map((ref) => JSON.stringify(ref)).join(', ')
    : reachableServices?.join(', ');
  const entry =
    byBackends && resource !== undefined
      ? `{kind: ${resource.type}, name: ${displayNameOf(resource)}} to networking.transparentProxying.reachableBackends.refs`
      : `${service} to networking.transparentProxying.${field}`;
  if (reachableServices === undefined && reachableBackends === undefined) {
    return finding(
      'not-reachable',
      `${to} has no virtual address yet, so transparent proxies cannot reach it`,
      'wait until the control plane has given it one, or check meshServices.mode of the Mesh',
      { type: 'Mesh', mesh: '', name: mesh },
      'meshServices.mode',
    );
  }
  return finding(
    'not-reachable',
    `${field} of ${client.name} do not include ${service} (they are: ${list === '' ? 'none' : list})`,
    `add ${entry}`,
    at,
    `networking.transparentProxying.${field}`,
  );
}

function tagOf(service: string): string {
  return `tags: {kuma.io/service: ${service}}`;
}

/** What an outbound says to lead to a resource; one of its ports, where it has several. */
function referenceTo({ type, name, spec }: Resource): string {
  const [first] = (spec as { readonly ports?: readonly { readonly port?: number }[] }).ports ?? [];
  const port = first?.port === undefined ? '' : `, port: ${first.port}`;
  return `backendRef: {kind: ${type}, name: ${name}${port}}`;
}
