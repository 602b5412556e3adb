// Workload certificates of the connected proxies, and what each mesh trusts: filled into the sources that the engine reads.
import {
  type Collection,
  type Derivation,
  deepEqual,
  type Followable,
  type Graph,
  type Source,
} from '@ursa/collections';
import type { IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import { isMeshIdentityKri, MeshError } from '@ursa/resources';
import { announceMoves } from './announced-moves.ts';
import type { MeshAuthorities } from './authorities/mesh-authorities.ts';
import { type Authorities, authorityName, type WorkloadOrder } from './authorities/open-authorities.ts';
import type { BackendsInUse } from './backends-in-use.ts';
import type { RetryLimits } from './circuit.ts';
import type { Clock } from './clock.ts';
import { orderForConnected, type Wanted } from './connected-orders.ts';
import type { FormerBackend, FormerBackends } from './former-backends.ts';
import { type IssuedLeaf, type IssuingState, openIssuing } from './issuing.ts';
import type { IdentityAuthorities } from './mesh-identities/identity-authorities.ts';
import { type IdentityOrder, identitySigner } from './mesh-identities/identity-signer.ts';

export interface WorkloadIdentitiesInputs {
  readonly graph: Graph;
  readonly clock: Clock;
  readonly proxies: Followable;
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  /** Keys of the certificates that a proxy must have. */
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  readonly meshAuthorities: Derivation<readonly [mesh: string], MeshAuthorities | undefined>;
  readonly authorities: Pick<Authorities, 'issue'>;
  /** Whether all proxies of a mesh take certificates of a backend. Until then who has one of another backend keeps to that. */
  readonly isTrustedByAll: BackendsInUse['isTrustedByAll'];
  /** The backend of the certificate that a proxy was seen to have last. */
  readonly lastBackendOf: BackendsInUse['lastOf'];
  /** Backends that meshes have given up and that are trusted still. */
  readonly formerBackends: FormerBackends['backends'];
  /** How often an authority is asked again that could not sign. */
  readonly retries?: RetryLimits | undefined;
  readonly identityAuthorities: IdentityAuthorities;
  /** Keys are those of a collection of Meshes, `/<name>`. */
  readonly meshes: Pick<Collection<unknown>, 'keys'>;
  /** Filled here. */
  readonly identities: Source<IssuedIdentity>;
  /** Meshes whose mTLS is being left: what they trust is kept until that is over. */
  readonly mtlsExits: Pick<Collection<unknown>, 'get'>;
  /** Filled here; key: mesh. */
  readonly trust: Source<TrustBundle>;
  /** Resolves when the proxies of a mesh believe whoever has one of the names that are wanted now, or have had their time to. */
  readonly announce: (mesh: string) => Promise<void>;
  /** Gets what could not be signed and for whom, and which authorities cannot be used, for the log. */
  readonly onFailure: (what: string, error: unknown) => void;
  readonly metrics?: IdentityMetrics | undefined;
}

/** Hears of each certificate that is made for a proxy, or cannot be. */
export interface IdentityMetrics {
  issued(mesh: string, backend: string, milliseconds: number): void;
  failed(mesh: string): void;
  /** An authority elsewhere has told its roots. */
  roots(backend: string, milliseconds: number): void;
}

/** Issues until it is stopped. `settled` resolves when a connected proxy has the certificate it should have, or cannot get one. */
export interface WorkloadIdentities {
  settled(proxyKey: string): Promise<void>;
  /** Has a certificate made anew. */
  renew(identityKey: string): void;
  /** How the authorities do, by `<mesh>/<backend>`. */
  states(): readonly IssuingState[];
  stop(): void;
}

type Order = WorkloadOrder | IdentityOrder;

/** Opens the issuing of workload certificates. */
export function openWorkloadIdentities(inputs: WorkloadIdentitiesInputs): WorkloadIdentities {
  const { graph, identities, metrics, retries } = inputs;
  const sign = identitySigner(inputs.identityAuthorities);
  /** Names in the certificates that were issued. */
  const held = new Map<string, readonly string[]>();
  const issuing = openIssuing<Order>({
    clock: inputs.clock,
    make: (order, issuedAt) =>
      'meshIdentity' in order ? sign(order, issuedAt) : inputs.authorities.issue(order, issuedAt),
    authorityOf: ({ place }) => authorityName(place),
    ...(retries === undefined ? {} : { retries }),
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
          held.set(key, leaf.order.names.uris ?? []);
          if (inputs.identityRequest.get(key) !== undefined) identities.set(key, identityOf(leaf));
        }
      });
    },
  });
  const orderToIdentity = ({ mesh, backend, uris }: IdentityRequest, meshIdentity: string): Wanted<Order> => {
    const authority = inputs.identityAuthorities.get(mesh, meshIdentity);
    if (authority === undefined || !('pair' in authority.state)) return 'later';
    return {
      meshIdentity,
      place: { mesh, backend },
      issuer: authority.state.pair.certificate,
      names: { uris },
      usages: ['serverAuth', 'clientAuth'],
      lifetime: authority.leafLifetime,
    };
  };
  const isFormer = (mesh: string, name: string): boolean =>
    inputs.formerBackends.get(mesh)?.some(({ backend }) => backend === name) ?? false;
  const orderOf = graph.derive('workload-order', (identityKey: string): Wanted<Order> => {
    const request = inputs.identityRequest.get(identityKey);
    if (request === undefined) return undefined;
    const { mesh, meshIdentity } = request;
    if (meshIdentity !== undefined) return orderToIdentity(request, meshIdentity);
    const usable = (inputs.meshAuthorities.get(mesh)?.authorities ?? []).flatMap(({ state, ...rest }) =>
      'prepared' in state && state.roots !== undefined ? [{ ...rest, issuer: state.prepared.issuer }] : [],
    );
    const find = (name: string | undefined) => usable.find(({ backend }) => backend === name);
    const held = identities.get(identityKey)?.backend;
    // Whoever comes back, from another instance or from before a restart, has the certificate that it had.
    const present = find(held ?? (usable.length > 1 ? inputs.lastBackendOf.get(identityKey) : undefined));
    const holdsFormer = held !== undefined && isFormer(mesh, held);
    const keepsToPresent =
      (holdsFormer || (present !== undefined && present.backend !== request.backend)) &&
      !inputs.isTrustedByAll.get(mesh, request.backend);
    // A backend that is given up signs nothing any more.
    if (keepsToPresent && holdsFormer) return 'later';
    const authority = keepsToPresent ? present : find(request.backend);
    // Nobody would trust a certificate whose roots are not known yet.
    if (authority === undefined) return 'later';
    return {
      place: { mesh, backend: authority.backend },
      issuer: authority.issuer,
      names: { uris: request.uris },
      usages: ['serverAuth', 'clientAuth'],
      lifetime: authority.leafLifetime,
    };
  });
  const moves = announceMoves(issuing, {
    isMove(key, { names }) {
      const request = inputs.identityRequest.get(key);
      const issuer = identities.get(key)?.backend;
      if (request === undefined || issuer === undefined) return false;
      // Names of a backend of the mesh follow from tags, and clients tell servers by their service only.
      if (request.meshIdentity === undefined) return isMeshIdentityKri(issuer);
      return issuer !== request.backend || !deepEqual(held.get(key), names.uris);
    },
    announce: (key) => inputs.announce(inputs.identityRequest.get(key)?.mesh ?? ''),
  });
  const trust = keepTrust(inputs);
  const faults = reportFaults(inputs);
  const orders = orderForConnected(graph, {
    proxies: inputs.proxies,
    keysOf: inputs.identityKeys,
    orderOf,
    issuing: moves,
    onGone(identityKey) {
      held.delete(identityKey);
      identities.delete(identityKey);
    },
  });
  return {
    async settled(proxyKey) {
      await Promise.all(inputs.identityKeys.get(proxyKey).map((identityKey) => issuing.settled(identityKey)));
    },
    renew: (identityKey) => issuing.renew(identityKey),
    states: () => issuing.states(),
    stop() {
      orders.stop();
      trust.stop();
      faults.stop();
      moves.stop();
    },
  };
}

// All authorities of a mesh that can be used, one PEM after the other, and those that it had.
function trustBundle(
  authorities: MeshAuthorities | undefined,
  former: readonly FormerBackend[] = [],
): TrustBundle | undefined {
  const usable = (authorities?.authorities ?? []).flatMap(({ backend, state }) =>
    'prepared' in state && state.roots !== undefined ? [{ backend, roots: state.roots }] : [],
  );
  const known = [...usable, ...former];
  if (known.length === 0) return undefined;
  return {
    certificates: known.map(({ roots }) => (roots.endsWith('\n') ? roots : `${roots}\n`)).join(''),
    backends: known.map(({ backend }) => backend).sort(),
  };
}

function keepTrust(inputs: WorkloadIdentitiesInputs): { stop(): void } {
  const { graph, meshes, meshAuthorities, formerBackends, mtlsExits, trust } = inputs;
  const bundles = graph.derive('trust-bundles', () =>
    meshes.keys().flatMap((key) => {
      const mesh = key.slice(1);
      const isLeft = mtlsExits.get(mesh) !== undefined;
      const bundle = isLeft ? trust.get(mesh) : trustBundle(meshAuthorities.get(mesh), formerBackends.get(mesh));
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
        type === 'builtin' || 'prepared' in state
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

function identityOf(leaf: IssuedLeaf<Order>): IssuedIdentity {
  return {
    certificateChain: leaf.certificate,
    privateKey: leaf.privateKey,
    backend: leaf.order.place.backend,
    notAfter: new Date(leaf.notAfter).toISOString(),
  };
}
