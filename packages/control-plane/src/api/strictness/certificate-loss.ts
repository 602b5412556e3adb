// What a change of MeshIdentities or of a Dataplane's labels does to the certificates of proxies: who would have none while others have, and who would
// show a name that nobody has heard of.
import { deepEqual } from '@ursa/collections';
import type { Engine } from '@ursa/engine';
import type { MeshIdentitySpec } from '@ursa/resources';
import type { PreviewedChange } from '../../store/resource-manager.ts';
import type { Inquiry } from './look-at-proxies.ts';

/** What is compared. */
export interface LossOptions {
  readonly now: Pick<Engine, 'identityRequest'>;
  readonly then: Pick<Engine, 'identityRequest'>;
  readonly changes: readonly Pick<PreviewedChange, 'key' | 'after'>[];
  /** Keys of all Dataplanes of the mesh, connected or not. */
  readonly dataplanes: () => readonly string[];
}

/** Tells for each proxy. */
export function lossesOf({ now, then, changes, dataplanes }: LossOptions): Inquiry['lossOf'] {
  const identities = changes.filter(({ key }) => key.type === 'MeshIdentity');
  // What an agent on the proxy's host issues, nobody asks the control plane for.
  const agents = identities.some(
    ({ after }) => (after?.spec as MeshIdentitySpec | undefined)?.provider?.type === 'Spire',
  );
  const rewritten = new Set(identities.map(({ key }) => key.name));
  let keepers: number | undefined;
  const countKeepers = (): number => {
    keepers ??= dataplanes().filter((key) => then.identityRequest.get(key) !== undefined).length;
    return keepers;
  };
  return (key) => {
    const before = now.identityRequest.get(key);
    if (before === undefined) return undefined;
    const after = then.identityRequest.get(key);
    if (after === undefined) {
      if (agents || countKeepers() === 0) return undefined;
      const others = keepers === 1 ? '1 other proxy keeps its own' : `${keepers} others keep theirs`;
      const reason = `it would lose its certificate while ${others}, and these speak mTLS only with it`;
      return {
        state: 'no certificate',
        reason: `${reason}: have a MeshIdentity select it, or delete the MeshIdentity for all`,
      };
    }
    const { meshIdentity } = before;
    if (meshIdentity === undefined || meshIdentity !== after.meshIdentity) return undefined;
    if (deepEqual(before.uris, after.uris)) return undefined;
    const names = `its SPIFFE ID would change from ${before.uris[0]} to ${after.uris[0]}`;
    const reason = `${names} with nothing left that names the former: clients would refuse one of the two`;
    const way = rewritten.has(meshIdentity)
      ? `write a second MeshIdentity with the new spiffeID and one more label in its selector (kuma.io/mesh: ${before.mesh} is on every proxy), have permissions allow both names, and delete ${meshIdentity} when "kumactl inspect meshes" shows that all have moved`
      : 'start another proxy with the new labels, and stop this one when that is there; have permissions allow both names before';
    return { state: 'new name', reason: `${reason}; ${way}` };
  };
}
