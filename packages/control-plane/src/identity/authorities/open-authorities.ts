// The authorities of all meshes at work: each is opened when its backend appears, anew when it becomes another, and closed with it.
import { type Collection, type Derivation, deepEqual } from '@ursa/collections';
import { MeshError } from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import { certificateAuthorities } from './authority-types.ts';
import type {
  AnyCertificateAuthority,
  AuthorityPlace,
  LeafRequest,
  OpenAuthority,
  SignedLeaf,
} from './define-authority.ts';
import { isVerifiedBy } from './issued-certificate.ts';
import { type KeptRoots, keepRoots } from './kept-roots.ts';
import type { MeshAuthorities, MeshAuthority } from './mesh-authorities.ts';

/** A workload certificate to be issued. Plain data, so that derivations find out when it becomes another. */
export interface WorkloadOrder extends Omit<LeafRequest, 'issuedAt'> {
  readonly place: AuthorityPlace;
  /** What the authority's certificates depend on. */
  readonly issuer: unknown;
}

export interface OpenAuthoritiesInputs {
  readonly live: LiveResources;
  readonly store: Store;
  readonly clock: Clock;
  readonly meshAuthorities: Derivation<readonly [mesh: string], MeshAuthorities | undefined>;
  /** Keys are those of a collection of Meshes, `/<name>`. */
  readonly meshes: Pick<Collection<unknown>, 'keys'>;
  /** Has the files read again that authorities are made from. */
  readonly refreshFiles: () => void;
  readonly onFailure: (what: string, error: unknown) => void;
  /** Told how many milliseconds it took an authority to tell its roots. */
  readonly onRoots?: ((backend: string, milliseconds: number) => void) | undefined;
}

/** Signs with whichever authority an order names. */
export interface Authorities {
  /** Errors: `MeshError` that says which authority and why. */
  issue(order: WorkloadOrder, issuedAt: number): Promise<SignedLeaf>;
  stop(): void;
}

/** Name of an authority: of its mesh and its backend. */
export function authorityName({ mesh, backend }: AuthorityPlace): string {
  return `${mesh}/${backend}`;
}

const usualPatience = 10_000;

interface Wanted {
  readonly place: AuthorityPlace;
  readonly type: string;
  readonly material: unknown;
}

interface Opened {
  readonly wanted: Wanted;
  readonly authority: OpenAuthority;
  /** Of an authority elsewhere. */
  readonly roots: KeptRoots | undefined;
  readonly ending: AbortController;
}

/** Opens the authorities of all meshes, now and later. */
export function openAuthorities(inputs: OpenAuthoritiesInputs): Authorities {
  const { live, store, clock, meshAuthorities, meshes, onFailure } = inputs;
  const opened = new Map<string, Opened>();
  const wantedList = live.graph.derive('open-authorities', (): readonly Wanted[] =>
    meshes.keys().flatMap((key) => {
      const mesh = key.slice(1);
      return (meshAuthorities.get(mesh)?.authorities ?? []).flatMap(({ backend, type, state }) =>
        'prepared' in state ? [{ place: { mesh, backend }, type, material: state.prepared.material }] : [],
      );
    }),
  );
  const close = (name: string): void => {
    const found = opened.get(name);
    opened.delete(name);
    found?.ending.abort();
    found?.roots?.stop();
    found?.authority.stop?.();
  };
  const open = (name: string, wanted: Wanted, definition: AnyCertificateAuthority): void => {
    const { place } = wanted;
    const what = `mTLS backend ${place.backend} of mesh ${place.mesh}`;
    const report = (error: unknown): void => onFailure(what, error);
    const authority = definition.open(wanted.material, {
      now: () => clock.now(),
      at: (time, run) => clock.at(time, run),
      stale: inputs.refreshFiles,
      onFailure: report,
    });
    const { roots } = authority;
    const onRoots = inputs.onRoots && ((milliseconds: number) => inputs.onRoots?.(place.backend, milliseconds));
    const common = { place, live, store, clock, onFailure: report, onRoots };
    const kept = roots && keepRoots({ ...common, authority: { roots } });
    opened.set(name, { wanted, authority, roots: kept, ending: new AbortController() });
  };
  const follow = (list: readonly Wanted[]): void => {
    const byName = new Map(list.map((wanted) => [authorityName(wanted.place), wanted]));
    for (const [name, { wanted }] of opened) if (!deepEqual(byName.get(name), wanted)) close(name);
    for (const [name, wanted] of byName) {
      const definition = certificateAuthorities.get(wanted.type);
      if (!opened.has(name) && definition !== undefined) open(name, wanted, definition);
    }
  };
  const watch = live.graph.watch(wantedList, [], follow);
  follow(watch.value);

  return {
    async issue(order, issuedAt) {
      const { place, names, usages, lifetime } = order;
      const found = opened.get(authorityName(place));
      if (found === undefined) throw new MeshError('unavailable', `mTLS backend ${place.backend} is not open`);
      const patience = backendOf(place)?.issuePatience ?? usualPatience;
      const signal = AbortSignal.any([found.ending.signal, AbortSignal.timeout(patience)]);
      const leaf = await found.authority.issue({ names, usages, lifetime, issuedAt }, signal);
      if (found.roots !== undefined) await requireTrust(leaf, place, found.roots);
      return leaf;
    },
    stop() {
      watch.stop();
      for (const name of [...opened.keys()]) close(name);
    },
  };

  function backendOf({ mesh, backend }: AuthorityPlace): MeshAuthority | undefined {
    return meshAuthorities.get(mesh)?.authorities.find((each) => each.backend === backend);
  }

  /** An authority that was renewed over there must be trusted before its first certificate is shown to anybody. */
  async function requireTrust({ certificate }: SignedLeaf, place: AuthorityPlace, roots: KeptRoots) {
    const state = backendOf(place)?.state;
    const known = state !== undefined && 'prepared' in state ? state.roots : undefined;
    if (known !== undefined && isVerifiedBy(certificate, known)) return;
    if (isVerifiedBy(certificate, await roots.refresh())) return;
    throw new MeshError('invalid', 'its certificate is not signed by an authority that it names as its own');
  }
}
