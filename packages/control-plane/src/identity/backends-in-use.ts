// Which backends' certificates the proxies of meshes have, on all instances: what a rotation goes by. Insights tell.
import type { Derivation } from '@ursa/collections';

/** What is known of the backends of a mesh. */
export interface BackendsInUse {
  /** True when every proxy of a mesh that has a certificate takes those of a backend from others. */
  readonly isTrustedByAll: Derivation<readonly [mesh: string, backend: string], boolean>;
  /** True while a proxy of a mesh shows a certificate of a backend. */
  readonly isUsed: Derivation<readonly [mesh: string, backend: string], boolean>;
  /** The backend of the certificate that a proxy was seen to have last. */
  readonly lastOf: Derivation<readonly [identityKey: string], string | undefined>;
}
