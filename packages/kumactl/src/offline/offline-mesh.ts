// Meshes from files: the documents in an engine as the control plane would have them, without one. Loaded only by the commands that need it.
import { createGraph, type Graph } from '@ursa/collections';
import {
  type AdminIdentity,
  type ConnectedProxy,
  type Engine,
  type EngineInputs,
  type IssuedIdentity,
  type MtlsExit,
  openEngine,
  presumeConnected,
  type ServiceVip,
  type TrustBundle,
} from '@ursa/engine';
import { builtinPolicies } from '@ursa/policies';
import {
  computeLabels,
  type DataplaneSpec,
  type Resource,
  type ResourceDraft,
  type ResourceTypes,
  readyIdentityStatus,
  tagNames,
  tagWithZone,
} from '@ursa/resources';

/** Resources of files, and an engine over them in which every Dataplane is connected. */
export interface OfflineMesh {
  readonly engine: Engine;
  /** Keys of Dataplanes, sorted. */
  readonly proxyKeys: readonly string[];
  readonly meshes: readonly string[];
  /** True when some proxy's configuration would be another one without the resource. */
  hasEffect(resource: Pick<Resource, 'type' | 'mesh' | 'name'>): boolean;
}

/** What the command line may say about the proxies. */
export interface OfflineOptions {
  /** Features that the proxies announce, beside those of a usual kuma-dp. */
  readonly features?: readonly string[];
  /** Zone of the control plane that the resources are in; undefined for a global one. Default: a zone of its own. */
  readonly zone?: string | undefined;
  /** As if the control plane were set so (KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES). Default: false. */
  readonly autoReachableServices?: boolean;
}

const ownZone = 'default';
const never = '1970-01-01T00:00:00Z';

/** Opens the mesh of these drafts. Virtual addresses and certificates are made up; all else is as the control plane has it. */
export function openOfflineMesh(
  types: ResourceTypes,
  drafts: readonly ResourceDraft[],
  options: OfflineOptions = {},
): OfflineMesh {
  const graph = createGraph();
  const { features = [], autoReachableServices = false } = options;
  const zone = 'zone' in options ? options.zone : ownZone;
  const inputs = inputsOf(graph, types, drafts, { zone, autoReachableServices });
  const presumed = presumeConnected(inputs, features);
  const engine = openEngine({ graph, inputs: presumed, policies: builtinPolicies });
  const proxyKeys = inputs.resources('Dataplane').keys();
  return {
    engine,
    proxyKeys,
    meshes: inputs
      .resources('Mesh')
      .keys()
      .map((key) => key.slice(1)),
    hasEffect({ type, mesh, name }) {
      const without = engine.whatIf(new Map([[type, new Map([[`${mesh}/${name}`, undefined]])]]));
      return proxyKeys.some((key) => {
        const [before, after] = [engine.config.get(key), without.config.get(key)];
        return before?.resources === undefined || !sameResources(before.resources, after?.resources);
      });
    },
  };
}

type Resources = NonNullable<ReturnType<Engine['config']['get']>>['resources'];

function sameResources(before: Resources, after: Resources | undefined): boolean {
  return Object.entries(before).every(([type, resources]) => {
    const others = after?.[type as keyof Resources];
    return (
      others?.size === resources.size &&
      [...resources].every(([name, { bytes }]) => {
        const other = others.get(name);
        return other !== undefined && Buffer.compare(other.bytes, bytes) === 0;
      })
    );
  });
}

function inputsOf(
  graph: Graph,
  types: ResourceTypes,
  drafts: readonly ResourceDraft[],
  { zone, autoReachableServices }: { readonly zone: string | undefined; readonly autoReachableServices: boolean },
): EngineInputs {
  const context = {
    mode: zone === undefined ? 'global' : 'zone',
    zone: zone ?? '',
    environment: 'universal',
    federated: false,
  } as const;
  const sources = new Map(
    ['DataplaneInsight', ...types.all.map(({ name }) => name)].map((name) => [name, graph.source<Resource>(name)]),
  );
  const resources = (type: string) => {
    const source = sources.get(type) ?? graph.source<Resource>(type);
    sources.set(type, source);
    return source;
  };
  const serviceVips = graph.source<ServiceVip>('service vips');
  for (const draft of drafts) {
    const type = types.byName(draft.type);
    if (type === undefined) continue;
    const tagged = draft.type === 'Dataplane' && zone !== undefined ? tagWithZone(draft, zone) : draft;
    const labels = computeLabels(type, tagged, context);
    const times = { creationTime: never, modificationTime: never, version: 1 };
    // A control plane would have brought it into use.
    const status = draft.type === 'MeshIdentity' ? { status: readyIdentityStatus } : {};
    resources(draft.type).set(`${draft.mesh}/${draft.name}`, { ...tagged, ...status, labels, ...times });
    if (draft.type === 'Dataplane') resources('DataplaneInsight').set(`${draft.mesh}/${draft.name}`, certified(draft));
  }
  for (const { mesh, service, address } of madeUpAddresses(drafts)) {
    serviceVips.set(`${mesh}/${service}`, { mesh, service, address });
  }
  const services = resources('MeshService');
  for (const [index, key] of services.keys().entries()) {
    const service = services.get(key);
    if (service === undefined || service.status !== undefined) continue;
    const status = { vips: [{ ip: `241.0.${index >> 8}.${index & 255}` }], addresses: [] };
    services.set(key, { ...service, status });
  }
  return {
    resources,
    proxies: graph.source<ConnectedProxy>('proxies'),
    identities: graph.source<IssuedIdentity>('identities'),
    trust: graph.source<TrustBundle>('trust'),
    mtlsExits: graph.source<MtlsExit>('exits-from-mtls'),
    adminIdentities: graph.source<AdminIdentity>('admin identities'),
    serviceVips,
    settings: {
      zone: zone ?? '',
      environment: 'universal',
      dnsDomain: 'mesh',
      serviceVipPort: 80,
      autoReachableServices,
    },
  };
}

// In PERMISSIVE mode services are called in mTLS once their proxies have a certificate: here all have one.
function certified({ mesh, name }: ResourceDraft): Resource {
  const times = { creationTime: never, modificationTime: never, version: 1 };
  return { type: 'DataplaneInsight', mesh, name, labels: {}, ...times, spec: { mTLS: { issuedBackend: 'any' } } };
}

function madeUpAddresses(drafts: readonly ResourceDraft[]): readonly ServiceVip[] {
  const names = drafts.flatMap(({ type, mesh, spec }) => {
    const inbounds = type === 'Dataplane' ? ((spec as DataplaneSpec).networking?.inbound ?? []) : [];
    return inbounds.flatMap(({ tags }) =>
      tags?.[tagNames.service] === undefined ? [] : [`${mesh}/${tags[tagNames.service]}`],
    );
  });
  return [...new Set(names)].sort().map((name, index) => {
    const [mesh = '', service = ''] = name.split('/');
    return { mesh, service, address: `240.0.${index >> 8}.${index & 255}` };
  });
}
