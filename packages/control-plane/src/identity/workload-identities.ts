// Workload certificates of the connected proxies, and what each mesh trusts: filled into the sources that the engine reads.
import type { Collection, Derivation, Graph, Source } from '@ursa/collections';
import type { IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import type { MeshAuthorities } from './authorities/mesh-authorities.ts';
import type { Clock } from './clock.ts';
import { orderForConnected } from './connected-orders.ts';
import { type IssuedLeaf, type LeafOrder, openIssuing } from './issuing.ts';

/** What a proxy's insight says of its certificate (`mTLS` of a DataplaneInsight). Times are RFC 3339. */
export interface IdentityStatus {
  readonly issuedBackend: string;
  readonly supportedBackends: readonly string[];
  readonly certificateExpirationTime: string;
  readonly lastCertificateRegeneration: string;
  readonly certificateRegenerations: number;
}

export interface WorkloadIdentitiesInputs {
  readonly graph: Graph;
  readonly clock: Clock;
  readonly proxies: Collection<unknown>;
  readonly identityRequest: Derivation<readonly [proxyKey: string], IdentityRequest | undefined>;
  readonly meshAuthorities: Derivation<readonly [mesh: string], MeshAuthorities | undefined>;
  /** Names of all meshes. */
  readonly meshes: Derivation<readonly [], readonly string[]>;
  /** Filled here. */
  readonly identities: Source<IssuedIdentity>;
  /** Filled here; key: mesh. */
  readonly trust: Source<TrustBundle>;
  /** Filled here; key as of `identities`. */
  readonly statuses: Source<IdentityStatus>;
  readonly onFailure: (proxyKey: string, error: unknown) => void;
}

/** Issues until it is stopped. `settled` resolves when a connected proxy has the certificate it should have, or cannot get one. */
export interface WorkloadIdentities {
  settled(proxyKey: string): Promise<void>;
  stop(): void;
}

/** Opens the issuing of workload certificates. */
export function openWorkloadIdentities(inputs: WorkloadIdentitiesInputs): WorkloadIdentities {
  const { graph, identities, statuses } = inputs;
  const issuing = openIssuing({
    clock: inputs.clock,
    onFailure: inputs.onFailure,
    deliver(issued) {
      graph.batch(() => {
        for (const [key, leaf] of issued) {
          const request = inputs.identityRequest.get(key);
          if (request === undefined) continue;
          identities.set(key, identityOf(leaf, request.backend));
          statuses.set(key, statusOf(leaf, request.backend, inputs.meshAuthorities.get(request.mesh)));
        }
      });
    },
  });
  const orderOf = graph.derive('workload-order', (proxyKey: string): LeafOrder | undefined => {
    const request = inputs.identityRequest.get(proxyKey);
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
  const orders = orderForConnected(graph, 'workload-identities', inputs.proxies, orderOf, issuing, (proxyKey) =>
    graph.batch(() => {
      identities.delete(proxyKey);
      statuses.delete(proxyKey);
    }),
  );
  return {
    settled: (proxyKey) => issuing.settled(proxyKey),
    stop() {
      orders.stop();
      trust.stop();
      issuing.stop();
    },
  };
}

/** All authorities of a mesh that can be used, one PEM after the other. */
export function trustBundle(authorities: MeshAuthorities | undefined): TrustBundle | undefined {
  const certificates = (authorities?.authorities ?? []).flatMap(({ state }) =>
    'pair' in state ? [state.pair.certificate] : [],
  );
  if (certificates.length === 0) return undefined;
  return { certificates: certificates.map((pem) => (pem.endsWith('\n') ? pem : `${pem}\n`)).join('') };
}

function keepTrust({ graph, meshes, meshAuthorities, trust }: WorkloadIdentitiesInputs): { stop(): void } {
  const bundles = graph.derive('trust-bundles', () =>
    meshes.get().flatMap((mesh) => {
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

function identityOf(leaf: IssuedLeaf, backend: string): IssuedIdentity {
  return {
    certificateChain: leaf.certificate,
    privateKey: leaf.privateKey,
    backend,
    notAfter: new Date(leaf.notAfter).toISOString(),
  };
}

function statusOf(leaf: IssuedLeaf, backend: string, authorities: MeshAuthorities | undefined): IdentityStatus {
  return {
    issuedBackend: backend,
    supportedBackends: (authorities?.authorities ?? []).map((authority) => authority.backend),
    certificateExpirationTime: new Date(leaf.notAfter).toISOString(),
    lastCertificateRegeneration: new Date(leaf.issuedAt).toISOString(),
    certificateRegenerations: leaf.generation,
  };
}
