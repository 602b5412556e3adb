// What the configuration of proxies depends on in their Mesh. Derived apart, so that a change of other fields stops here.
import type { Derivation, Graph } from '@ursa/collections';
import type { MeshSpec } from '@ursa/resources';
import type { EngineInputs, MtlsExit } from './engine.ts';
import { idleMeshFields } from './mesh-idle.ts';

/** How far a mesh has moved from services known by their tag to MeshServices (feature E3). */
export type MeshServicesMode = 'Disabled' | 'Everywhere' | 'ReachableBackends' | 'Exclusive';

/** The listener for Prometheus that a Mesh (or a Dataplane) asks for. */
export interface PrometheusFacts {
  readonly port: number;
  readonly path: string;
  /** True when, of a proxy with mTLS, only workloads of the mesh may read it. */
  readonly secured: boolean;
}

/** The mTLS of a mesh, as it is set or as it is being left. */
export interface MtlsFacts {
  /** Name of the enabled CA backend. */
  readonly backend: string;
  /** True when servers take plain text too. */
  readonly permissive: boolean;
  /** What clients speak; `tls-when-ready`: TLS to the servers that have a certificate. */
  readonly clients: 'tls' | 'tls-when-ready' | 'plaintext';
  /** True when it was switched off, and lasts until all proxies have followed. */
  readonly leaving: boolean;
}

/** A mesh as proxies see it. */
export interface MeshFacts {
  readonly name: string;
  /** Undefined without mTLS. */
  readonly mtls: MtlsFacts | undefined;
  readonly meshServices: MeshServicesMode;
  /** True when transparent proxies let traffic to unknown addresses pass. */
  readonly passthrough: boolean;
  readonly prometheus: PrometheusFacts | undefined;
  /** True when traffic to ExternalServices goes through the zone's egresses. */
  readonly zoneEgress: boolean;
  /** True when nobody may reach MeshExternalServices. */
  readonly forbidsOutside: boolean;
  /** What is set and does nothing, a sentence each. */
  readonly idle: readonly string[];
}

/** What a Mesh, and for one proxy its Dataplane, says of that listener. */
export interface PrometheusConf {
  readonly port?: number;
  readonly path?: string;
  readonly skipMTLS?: boolean;
}

function mtlsOf(spec: MeshSpec): MeshFacts['mtls'] {
  const enabled = spec.mtls?.enabledBackend;
  const backend = spec.mtls?.backends?.find((candidate) => candidate.name === enabled);
  if (backend === undefined) return undefined;
  const permissive = backend.mode === 'PERMISSIVE';
  return { backend: backend.name ?? '', permissive, clients: permissive ? 'tls-when-ready' : 'tls', leaving: false };
}

function leavingMtlsOf(exit: MtlsExit | undefined): MeshFacts['mtls'] {
  return exit && { backend: exit.backend, permissive: true, clients: exit.clients, leaving: true };
}

function prometheusOf(spec: MeshSpec): PrometheusFacts | undefined {
  const enabled = spec.metrics?.enabledBackend;
  const backend = spec.metrics?.backends?.find((candidate) => candidate.name === enabled);
  if (backend?.type !== 'prometheus') return undefined;
  const { port = 5670, path = '/metrics', skipMTLS = false } = (backend.conf ?? {}) as PrometheusConf;
  return { port, path, secured: !skipMTLS };
}

/** The listener of one proxy: what its Dataplane says comes before what the Mesh says. Whether there is one, the Mesh decides. */
export function prometheusFor(mesh: MeshFacts, own: PrometheusConf | undefined): PrometheusFacts | undefined {
  if (mesh.prometheus === undefined || own === undefined) return mesh.prometheus;
  const { port, path, secured } = mesh.prometheus;
  return {
    port: own.port ?? port,
    path: own.path ?? path,
    secured: own.skipMTLS === undefined ? secured : !own.skipMTLS,
  };
}

/** Facts by the mesh's name; undefined while there is no such mesh. */
export function deriveMeshFacts(
  graph: Graph,
  inputs: EngineInputs,
): Derivation<readonly [mesh: string], MeshFacts | undefined> {
  return graph.derive('mesh facts', (mesh: string) => {
    const resource = inputs.resources('Mesh').get(`/${mesh}`);
    if (resource === undefined) return undefined;
    const spec = resource.spec as MeshSpec;
    return {
      name: mesh,
      mtls: mtlsOf(spec) ?? leavingMtlsOf(inputs.mtlsExits.get(mesh)),
      meshServices: spec.meshServices?.mode ?? 'Disabled',
      passthrough: spec.networking?.outbound?.passthrough ?? true,
      prometheus: prometheusOf(spec),
      zoneEgress: spec.routing?.zoneEgress ?? false,
      forbidsOutside: spec.routing?.defaultForbidMeshExternalServiceAccess ?? false,
      idle: idleMeshFields(mesh, spec),
    };
  });
}
