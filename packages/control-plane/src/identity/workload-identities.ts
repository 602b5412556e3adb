// Workload certificates of the connected proxies, and what each mesh trusts: filled into the sources that the engine reads.
import { type Collection, type Derivation, deepEqual, type Graph, type Source } from '@ursa/collections';
import type { IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import type { MeshAuthorities } from './authorities/mesh-authorities.ts';
import type { Clock } from './clock.ts';
import { orderForConnected } from './connected-orders.ts';
import { type IssuedLeaf, type LeafOrder, openIssuing } from './issuing.ts';

export interface WorkloadIdentitiesInputs {
  readonly graph: Graph;
  readonly clock: Clock;
  readonly proxies: Collection<unknown>;
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  /** Keys of the certificates that a proxy must have. */
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  readonly meshAuthorities: Derivation<readonly [mesh: string], MeshAuthorities | undefined>;
  /** Keys are those of a collection of Meshes, `/<name>`. */
  readonly meshes: Pick<Collection<unknown>, 'keys'>;
  /** Filled here. */
  readonly identities: Source<IssuedIdentity>;
  /** Filled here; key: mesh. */
  readonly trust: Source<TrustBundle>;
  /** Gets what could not be signed and for whom, and which authorities cannot be used, for the log. */
  readonly onFailure: (what: string, error: unknown) => void;
  readonly metrics?: IdentityMetrics | undefined;
}

/** Hears of each certificate that is made for a proxy, or cannot be. */
export interface IdentityMetrics {
  issued(mesh: string, backend: string, milliseconds: number): void;
  failed(mesh: string): void;
}

/** Issues until it is stopped. `settled` resolves when a connected proxy has the certificate it should have, or cannot get one. */
export interface WorkloadIdentities {
  settled(proxyKey: string): Promise<void>;
  stop(): void;
}

/** Opens the issuing of workload certificates. */
export function openWorkloadIdentities(inputs: WorkloadIdentitiesInputs): WorkloadIdentities {
  const { graph, identities, metrics } = inputs;
  const issuing = openIssuing({
    clock: inputs.clock,
    onFailure(key, error) {
      metrics?.failed(inputs.identityRequest.get(key)?.mesh ?? '');
      inputs.onFailure(key, error);
    },
    onIssued(key, milliseconds) {
      const request = inputs.identityRequest.get(key);
      if (request !== undefined) metrics?.issued(request.mesh, request.backend, milliseconds);
    },
    deliver(issued) {
      graph.batch(() => {
        for (const [key, leaf] of issued) {
          const request = inputs.identityRequest.get(key);
          if (request !== undefined) identities.set(key, identityOf(leaf, request.backend));
        }
      });
    },
  });
  const orderOf = graph.derive('workload-order', (identityKey: string): LeafOrder | undefined => {
    const request = inputs.identityRequest.get(identityKey);
    if (request === undefined) return undefined;
    const authorities = inputs.meshAuthorities.get(request.mesh)?.authorities ?? [];
    const authority = authorities.find(({ backend }) => backend === request.backend);
    if (authority === undefined || !('pair' in authority.state)) return undefined;
    return {
      authority: authority.state.pair,
      names: { uris: request.uris },
      usages: ['serverAuth', 'clientAuth'],
      lifetime: authority.leafLifetime,
    };
  });
  const trust = keepTrust(inputs);
  const faults = reportFaults(inputs);
  const holders = { keys: () => inputs.proxies.keys().flatMap((proxyKey) => inputs.identityKeys.get(proxyKey)) };
  const orders = orderForConnected(graph, 'workload-identities', holders, orderOf, issuing, (identityKey) =>
    identities.delete(identityKey),
  );
  return {
    async settled(proxyKey) {
      await Promise.all(inputs.identityKeys.get(proxyKey).map((identityKey) => issuing.settled(identityKey)));
    },
    stop() {
      orders.stop();
      trust.stop();
      faults.stop();
      issuing.stop();
    },
  };
}

// All authorities of a mesh that can be used, one PEM after the other.
function trustBundle(authorities: MeshAuthorities | undefined): TrustBundle | undefined {
  const certificates = (authorities?.authorities ?? []).flatMap(({ state }) =>
    'pair' in state ? [state.pair.certificate] : [],
  );
  if (certificates.length === 0) return undefined;
  return { certificates: certificates.map((pem) => (pem.endsWith('\n') ? pem : `${pem}\n`)).join('') };
}

function keepTrust({ graph, meshes, meshAuthorities, trust }: WorkloadIdentitiesInputs): { stop(): void } {
  const bundles = graph.derive('trust-bundles', () =>
    meshes.keys().flatMap((key) => {
      const mesh = key.slice(1);
      const bundle = trustBundle(meshAuthorities.get(mesh));
      return bundle === undefined ? [] : [{ mesh, bundle }];
    }),
  );
  const fill = (list: readonly { readonly mesh: string; readonly bundle: TrustBundle }[]): void => {
    const named = new Set(list.map(({ mesh }) => mesh));
    graph.batch(() => {
      for (const mesh of trust.keys()) if (!named.has(mesh)) trust.delete(mesh);
      for (const { mesh, bundle } of list) trust.set(mesh, bundle);
    });
  };
  const watch = graph.watch(bundles, [], fill);
  fill(watch.value);
  return watch;
}

// A built-in authority is missing for a moment whenever it is new; who makes it reports when that fails.
function reportFaults({ graph, meshes, meshAuthorities, onFailure }: WorkloadIdentitiesInputs): { stop(): void } {
  const faults = graph.derive('authority-faults', () =>
    meshes.keys().flatMap((key) => {
      const authorities = meshAuthorities.get(key.slice(1))?.authorities ?? [];
      return authorities.flatMap(({ backend, type, state }) =>
        type === 'builtin' || 'pair' in state
          ? []
          : [{ what: `mTLS backend ${backend} of mesh ${key.slice(1)}`, ...state }],
      );
    }),
  );
  let known: readonly object[] = [];
  const report = (list: ReturnType<typeof faults.get>): void => {
    for (const entry of list) {
      if (!known.some((other) => deepEqual(other, entry))) onFailure(entry.what, new MeshError('invalid', entry.fault));
    }
    known = list;
  };
  const watch = graph.watch(faults, [], report);
  report(watch.value);
  return watch;
}

function identityOf(leaf: IssuedLeaf, backend: string): IssuedIdentity {
  return {
    certificateChain: leaf.certificate,
    privateKey: leaf.privateKey,
    backend,
    notAfter: new Date(leaf.notAfter).toISOString(),
  };
}
