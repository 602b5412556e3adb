// Everything that gives connected proxies their certificates, as one part of the control plane: authorities in, the engine's sources filled.
import type { Collection, Derivation, Source } from '@ursa/collections';
import type { AdminIdentity, ConnectedProxy, IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import type { Component } from '../component.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';
import { openAdminIdentities } from './admin-identities.ts';
import { openAuthorityFiles } from './authorities/authority-files.ts';
import { deriveMeshAuthorities } from './authorities/mesh-authorities.ts';
import { openAuthorities } from './authorities/open-authorities.ts';
import type { RetryLimits } from './circuit.ts';
import type { Clock } from './clock.ts';
import type { IssuingState } from './issuing.ts';
import { type IdentityMetrics, openWorkloadIdentities, type WorkloadIdentities } from './workload-identities.ts';

export interface ProxyIdentitiesInputs {
  readonly live: LiveResources;
  /** Keeps what verifies the certificates of authorities elsewhere. */
  readonly store: Store;
  readonly clock: Clock;
  readonly proxies: Collection<ConnectedProxy>;
  /** The engine's, as the next. */
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  /** Whether all connected proxies of a mesh take certificates of a backend. */
  readonly isTrustedByAll: Derivation<readonly [mesh: string, backend: string], boolean>;
  /** The engine's inputs, filled here. All belong to the graph of `live`. */
  readonly identities: Source<IssuedIdentity>;
  readonly trust: Source<TrustBundle>;
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
  const { live, clock, metrics, onFailure } = inputs;
  let parts: readonly { settled?(proxyKey: string): Promise<void>; stop(): void }[] = [];
  let workload: WorkloadIdentities | undefined;
  return {
    name: 'proxy-identities',
    async start() {
      const files = openAuthorityFiles(live);
      await files.loaded();
      const meshAuthorities = deriveMeshAuthorities(live, files.contents);
      const common = { ...inputs, graph: live.graph, meshAuthorities, meshes: live.resources('Mesh') };
      const authorities = openAuthorities({
        ...common,
        refreshFiles: () => files.refresh(),
        onFailure,
        ...(metrics === undefined ? {} : { onRoots: metrics.roots }),
      });
      workload = openWorkloadIdentities({ ...common, authorities });
      parts = [files, authorities, workload, openAdminIdentities(common)];
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
