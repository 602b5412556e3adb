// Everything that gives connected proxies their certificates, as one part of the control plane: authorities in, the engine's sources filled.
import type { Collection, Derivation, Followable, Source } from '@ursa/collections';
import type {
  AdminIdentity,
  ConnectedProxy,
  IdentityRequest,
  IssuedIdentity,
  MtlsExit,
  TrustBundle,
} from '@ursa/engine';
import type { Component } from '../component.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import { openAdminIdentities } from './admin-identities.ts';
import { openAuthorityFiles } from './authorities/authority-files.ts';
import { deriveMeshAuthorities } from './authorities/mesh-authorities.ts';
import { openAuthorities } from './authorities/open-authorities.ts';
import type { BackendsInUse } from './backends-in-use.ts';
import type { RetryLimits } from './circuit.ts';
import type { Clock } from './clock.ts';
import { openFormerBackends } from './former-backends.ts';
import type { IssuingState } from './issuing.ts';
import {
  deriveIdentityAuthorities,
  type IdentityAuthorities,
  isTrusted,
  type Place,
} from './mesh-identities/identity-authorities.ts';
import { openIdentitySources } from './mesh-identities/identity-sources.ts';
import { openMtlsExits } from './mtls-exits.ts';
import { type IdentityMetrics, openWorkloadIdentities, type WorkloadIdentities } from './workload-identities.ts';

export interface ProxyIdentitiesInputs {
  readonly live: LiveResources;
  /** Keeps what verifies the certificates of authorities elsewhere. */
  readonly store: Store;
  readonly clock: Clock;
  /** What the trust domains of MeshIdentities are made from besides their mesh. */
  readonly place: Place;
  /** Resolves when the proxies of a mesh believe whoever has one of the names that are wanted now, or have had their time to. */
  readonly announce: (mesh: string) => Promise<void>;
  /** Resolves when the proxies of a mesh have what they should have now, or have had their time to take it. */
  readonly untilTaken: (mesh: string) => Promise<void>;
  readonly proxies: Collection<ConnectedProxy> & Followable;
  /** The engine's, as the next. */
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  /** Which certificates the proxies of meshes have, and take from others. */
  readonly backendsInUse: BackendsInUse;
  /** The engine's inputs, filled here. All belong to the graph of `live`. */
  readonly identities: Source<IssuedIdentity>;
  readonly trust: Source<TrustBundle>;
  readonly mtlsExits: Source<MtlsExit>;
  readonly adminIdentities: Source<AdminIdentity>;
  /** Gets what an authority could not sign, for the log. */
  readonly onFailure: (what: string, error: unknown) => void;
  readonly metrics?: IdentityMetrics;
  /** How often an authority is asked again that could not sign. */
  readonly retries?: RetryLimits;
}

/** The component. */
export interface ProxyIdentities extends Component {
  /**
   * Resolves when a connected proxy has every certificate it should have, cannot get one, or has waited long enough for an authority that does
   * not answer. Whoever waits for it before the first push sends one complete configuration instead of two.
   */
  settled(proxyKey: string): Promise<void>;
  /** Has a workload certificate made anew. */
  renew(identityKey: string): void;
  /** How the authorities of meshes do, by `<mesh>/<backend>`. */
  states(): readonly IssuingState[];
}

const settlePatience = 3_000;

/** Makes the component: it issues from its start on. */
export function proxyIdentities(inputs: ProxyIdentitiesInputs): ProxyIdentities {
  const { live, clock, place, metrics, onFailure } = inputs;
  let parts: readonly { settled?(proxyKey: string): Promise<void>; stop(): void }[] = [];
  let workload: WorkloadIdentities | undefined;
  return {
    name: 'proxy-identities',
    async start() {
      const files = openAuthorityFiles(live);
      const sources = openIdentitySources(live);
      await Promise.all([files.loaded(), sources.loaded()]);
      const meshAuthorities = deriveMeshAuthorities(live, files.contents);
      const identityAuthorities = trustedAuthorities(live, deriveIdentityAuthorities(live, sources.contents, place));
      const common = { ...inputs, graph: live.graph, meshAuthorities, meshes: live.resources('Mesh') };
      const authorities = openAuthorities({
        ...common,
        refreshFiles: () => files.refresh(),
        onFailure,
        ...(metrics === undefined ? {} : { onRoots: metrics.roots }),
      });
      const { isUsed, isTrustedByAll, lastOf: lastBackendOf } = inputs.backendsInUse;
      const former = openFormerBackends({ live, clock, meshAuthorities, isUsed });
      const formerBackends = former.backends;
      workload = openWorkloadIdentities({
        ...common,
        ...{ authorities, identityAuthorities, isTrustedByAll, lastBackendOf, formerBackends },
      });
      const exits = openMtlsExits({
        live,
        exits: inputs.mtlsExits,
        isConnected: (mesh) => inputs.proxies.keys().some((key) => key.startsWith(`${mesh}/`)),
        untilTaken: inputs.untilTaken,
      });
      parts = [files, sources, authorities, former, workload, openAdminIdentities(common), exits];
    },
    async stop() {
      for (const part of [...parts].reverse()) part.stop();
      parts = [];
      workload = undefined;
    },
    async settled(proxyKey) {
      const all = Promise.all(parts.map((part) => part.settled?.(proxyKey)));
      let timer: { stop(): void } | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = clock.at(clock.now() + settlePatience, resolve);
      });
      await Promise.race([all, enough]);
      timer?.stop();
    },
    renew: (identityKey) => workload?.renew(identityKey),
    states: () => workload?.states() ?? [],
  };
}

/** A CA that has just taken another one's place is used once the mesh trusts it. */
function trustedAuthorities(live: LiveResources, authorities: IdentityAuthorities): IdentityAuthorities {
  return live.graph.derive('trusted-identity-authority', (mesh: string, name: string) => {
    const authority = authorities.get(mesh, name);
    if (authority === undefined || !('pair' in authority.state)) return authority;
    return isTrusted(live, mesh, authority, authority.state.pair) ? authority : undefined;
  });
}
