// Everything that gives connected proxies their certificates, as one part of the control plane: authorities in, the engine's sources filled.
import type { Collection, Derivation, Source } from '@ursa/collections';
import type { AdminIdentity, ConnectedProxy, IdentityRequest, IssuedIdentity, TrustBundle } from '@ursa/engine';
import type { Component } from '../component.ts';
import type { LiveResources } from '../store/live-resources.ts';
import { openAdminIdentities } from './admin-identities.ts';
import { openAuthorityFiles } from './authorities/authority-files.ts';
import { deriveMeshAuthorities } from './authorities/mesh-authorities.ts';
import type { Clock } from './clock.ts';
import { type IdentityMetrics, openWorkloadIdentities } from './workload-identities.ts';

export interface ProxyIdentitiesInputs {
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly proxies: Collection<ConnectedProxy>;
  /** The engine's, as the next. */
  readonly identityRequest: Derivation<readonly [identityKey: string], IdentityRequest | undefined>;
  readonly identityKeys: Derivation<readonly [proxyKey: string], readonly string[]>;
  /** The engine's inputs, filled here. All belong to the graph of `live`. */
  readonly identities: Source<IssuedIdentity>;
  readonly trust: Source<TrustBundle>;
  readonly adminIdentities: Source<AdminIdentity>;
  /** Gets what an authority could not sign, for the log. */
  readonly onFailure: (what: string, error: unknown) => void;
  readonly metrics?: IdentityMetrics;
}

/** The component. */
export interface ProxyIdentities extends Component {
  /**
   * Resolves when a connected proxy has every certificate it should have, or cannot get one. Whoever waits for it before the first push
   * sends one complete configuration instead of two.
   */
  settled(proxyKey: string): Promise<void>;
}

/** Makes the component: it issues from its start on. */
export function proxyIdentities(inputs: ProxyIdentitiesInputs): ProxyIdentities {
  const { live } = inputs;
  let parts: readonly { settled?(proxyKey: string): Promise<void>; stop(): void }[] = [];
  return {
    name: 'proxy-identities',
    async start() {
      const files = openAuthorityFiles(live);
      await files.loaded();
      const meshAuthorities = deriveMeshAuthorities(live, files.contents);
      const common = { ...inputs, graph: live.graph };
      const workload = openWorkloadIdentities({ ...common, meshAuthorities, meshes: live.resources('Mesh') });
      parts = [files, workload, openAdminIdentities(common)];
    },
    async stop() {
      for (const part of [...parts].reverse()) part.stop();
      parts = [];
    },
    async settled(proxyKey) {
      await Promise.all(parts.map((part) => part.settled?.(proxyKey)));
    },
  };
}
