// Findings about what proxies reach: lists that name what is not there, and proxies that nothing lets in.
import { closestName, displayNameOf, type Resource, tagNames } from '@ursa/resources';
import type { BackendReference, DataplaneFacts } from '../dataplane-facts.ts';
import { dataplanesIn, type ExplainParts, keyOfProxy, servicesOf } from '../explain/explain-parts.ts';
import type { MeshServicesMode } from '../mesh-facts.ts';
import { references } from '../outbounds.ts';
import { callModeOf } from '../proxy-class.ts';
import { type Finding, finding } from './finding.ts';

/** What lists may name. */
interface Reachable {
  readonly mode: MeshServicesMode;
  /** Services known by their tag. */
  readonly services: readonly string[];
  readonly backends: readonly { readonly resource: Resource; readonly ports: readonly number[] }[];
}

/** The findings. */
export function reachFindings(parts: ExplainParts, mesh: string, proxies: readonly DataplaneFacts[]): Finding[] {
  const listing = proxies.some(({ reachableServices, reachableBackends }) => reachableServices ?? reachableBackends);
  const there = listing ? reachableIn(parts, mesh) : undefined;
  return proxies.flatMap((proxy) => [
    ...(there === undefined ? [] : [...missingServices(proxy, there), ...missingBackends(proxy, there)]),
    ...letInNowhere(parts, proxy),
  ]);
}

function reachableIn(parts: ExplainParts, mesh: string): Reachable {
  const ofType = (type: string): readonly Resource[] => {
    const all = parts.inputs.resources(type);
    return all.keys().flatMap((key) => {
      const resource = all.get(key);
      return resource?.mesh === mesh ? [resource] : [];
    });
  };
  const outside = ofType('ExternalService').map(
    ({ spec }) => (spec as { readonly tags?: Readonly<Record<string, string>> }).tags?.[tagNames.service] ?? '',
  );
  const ported = ['MeshService', 'MeshMultiZoneService'].flatMap(ofType).map((resource) => {
    const { ports = [] } = resource.spec as { readonly ports?: readonly { readonly port: number }[] };
    return { resource, ports: ports.map(({ port }) => port) };
  });
  const external = ofType('MeshExternalService').map((resource) => {
    const { match } = resource.spec as { readonly match?: { readonly port?: number } };
    return { resource, ports: [match?.port ?? 0] };
  });
  return {
    mode: parts.meshFacts.get(mesh)?.meshServices ?? 'Disabled',
    services: [...new Set([...dataplanesIn(parts, mesh).flatMap(servicesOf), ...outside])],
    backends: [...ported, ...external],
  };
}

function missingServices({ mesh, name, reachableServices = [] }: DataplaneFacts, there: Reachable): Finding[] {
  return reachableServices.flatMap((service, index) => {
    const useless = there.mode === 'Exclusive';
    if (!useless && there.services.includes(service)) return [];
    const message = useless
      ? `reachableServices of ${name} has no effect: in the mesh ${mesh} all services are resources (meshServices.mode is Exclusive)`
      : `reachableServices of ${name} names ${JSON.stringify(service)}, and nothing in the mesh ${mesh} is called that`;
    const close = closestName(service, there.services);
    const correct = close === undefined ? 'start a proxy of that service, or remove it' : `did you mean ${close}?`;
    const fix = useless ? 'list them in networking.transparentProxying.reachableBackends.refs' : correct;
    const field = `networking.transparentProxying.reachableServices${useless ? '' : `[${index}]`}`;
    return [finding('reachable-missing', message, fix, { type: 'Dataplane', mesh, name }, field)];
  });
}

function missingBackends({ mesh, name, reachableBackends = [] }: DataplaneFacts, there: Reachable): Finding[] {
  return reachableBackends.flatMap((reference, index) => {
    const found = there.backends.some(({ resource, ports }) =>
      ports.some((port) => references(reference, resource, port)),
    );
    if (found) return [];
    const message = `reachableBackends of ${name} names ${described(reference)}, which is not in the mesh ${mesh}`;
    const field = `networking.transparentProxying.reachableBackends.refs[${index}]`;
    const fix = backendFix(reference, there);
    return [finding('reachable-missing', message, fix, { type: 'Dataplane', mesh, name }, field)];
  });
}

function described({ kind = 'MeshService', name, labels, port }: BackendReference): string {
  const who = labels === undefined ? JSON.stringify(name ?? '') : `with labels ${JSON.stringify(labels)}`;
  return `the ${kind} ${who}${port === undefined ? '' : ` at port ${port}`}`;
}

function backendFix({ port, ...reference }: BackendReference, { mode, backends }: Reachable): string {
  const { kind = 'MeshService', name = '' } = reference;
  if (mode === 'Disabled' && kind !== 'MeshExternalService') {
    return 'use reachableServices, or switch MeshServices on: meshServices.mode of the Mesh';
  }
  const known = backends.find((each) => each.ports.some((any) => references(reference, each.resource, any)));
  if (known !== undefined) return `name one of its ports (${known.ports.join(', ')}), or leave port out for all`;
  const sameKind = backends.filter(({ resource }) => resource.type === kind);
  const close = closestName(
    name,
    sameKind.map(({ resource }) => displayNameOf(resource)),
  );
  return close === undefined ? `create it, or remove the reference` : `did you mean ${close}?`;
}

function letInNowhere(parts: ExplainParts, proxy: DataplaneFacts): Finding[] {
  const key = keyOfProxy(proxy);
  const connected = parts.inputs.proxies.get(key);
  if (connected === undefined) return [];
  const calls = callModeOf(connected, proxy);
  if (parts.outbounds(key, calls).length > 0 || parts.unpermitted.get(key, calls).length === 0) return [];
  const { mesh, name } = proxy;
  const message = `${name} has no outbound: outbounds follow from permissions (KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES), and nothing in the mesh ${mesh} lets it in`;
  const fix = 'nothing, if it calls nobody; else permit it where it calls';
  return [finding('reaches-nothing', message, fix, { type: 'Dataplane', mesh, name })];
}
