// What verifies the certificates of an authority elsewhere, asked for again and again and kept in a Secret: proxies trust it also after a control plane
// has started while it was away, and an authority that was renewed over there is trusted here before the first certificate of it is given out.
import { MeshError } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import { contentOf } from './authority-sources.ts';
import type { AuthorityPlace, OpenAuthority } from './define-authority.ts';
import { joinCertificates, parseCertificates } from './issued-certificate.ts';
import { authorityRootsSecret } from './mesh-authorities.ts';

export interface KeptRootsInputs {
  readonly place: AuthorityPlace;
  readonly authority: Required<Pick<OpenAuthority, 'roots'>>;
  readonly live: LiveResources;
  readonly store: Store;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** Told how many milliseconds an answer took. */
  readonly onRoots?: ((milliseconds: number) => void) | undefined;
}

/** Keeps them until it is stopped. */
export interface KeptRoots {
  /** Asks now. Errors: those of the authority and of the store. */
  refresh(): Promise<string>;
  stop(): void;
}

const interval = 60_000;
const firstRetry = 5_000;
const patience = 10_000;

/** Begins to keep them. */
export function keepRoots(inputs: KeptRootsInputs): KeptRoots {
  const { place, authority, live, store, clock, onFailure } = inputs;
  const name = authorityRootsSecret(place.mesh, place.backend);
  const ending = new AbortController();
  let timer: { stop(): void } | undefined;
  let failures = 0;

  const refresh = async (): Promise<string> => {
    const started = performance.now();
    const answer = await authority.roots(AbortSignal.any([ending.signal, AbortSignal.timeout(patience)]));
    inputs.onRoots?.(performance.now() - started);
    const roots = joinCertificates([answer]);
    if (parseCertificates(roots).length === 0) throw new MeshError('unavailable', 'it has no authority certificate');
    if (contentOf({ kind: 'secret', name }, place.mesh, live) === roots || ending.signal.aborted) return roots;
    await store.write((content) => {
      if (content.get({ type: 'Mesh', mesh: '', name: place.mesh }) === undefined) return [];
      const data = Buffer.from(roots).toString('base64');
      return [{ kind: 'put', resource: { type: 'Secret', mesh: place.mesh, name, labels: {}, spec: { data } } }];
    });
    return roots;
  };
  const follow = async (): Promise<void> => {
    try {
      await refresh();
      failures = 0;
    } catch (error) {
      // Once for an outage, not once a minute.
      if (failures === 0 && !ending.signal.aborted) onFailure(error);
      failures += 1;
    }
    if (ending.signal.aborted) return;
    const wait = failures === 0 ? interval : Math.min(interval, firstRetry * 2 ** Math.min(failures - 1, 10));
    timer = clock.at(clock.now() + wait, () => void follow());
  };
  void follow();
  return {
    refresh,
    stop() {
      timer?.stop();
      ending.abort();
    },
  };
}
