// What verified the certificates of a backend that a Mesh has given up is trusted until nobody shows one any more, or for as long as is waited for.
import type { Collection, Derivation } from '@ursa/collections';
import type { MeshSpec, Resource } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import type { MeshAuthorities } from './authorities/mesh-authorities.ts';
import { meshBackends } from './authorities/mesh-authorities.ts';
import type { Clock } from './clock.ts';

/** A backend that a mesh had. */
export interface FormerBackend {
  readonly backend: string;
  /** PEM. */
  readonly roots: string;
}

/** What they are found with. */
export interface FormerBackendsInputs {
  readonly live: LiveResources;
  readonly clock: Clock;
  readonly meshAuthorities: Derivation<readonly [mesh: string], MeshAuthorities | undefined>;
  /** True while a proxy of a mesh shows a certificate of a backend. */
  readonly isUsed: Derivation<readonly [mesh: string, backend: string], boolean>;
}

/** Those that are trusted still, by mesh. */
export interface FormerBackends {
  readonly backends: Pick<Collection<readonly FormerBackend[]>, 'get'>;
  stop(): void;
}

/** Who does not get another certificate, or does not come back, must not keep a backend trusted. Milliseconds. */
const patience = 10_000;

/** Follows the meshes. One that gives up mTLS, or is deleted, keeps nothing here. */
export function openFormerBackends({ live, clock, meshAuthorities, isUsed }: FormerBackendsInputs): FormerBackends {
  const source = live.graph.source<readonly FormerBackend[]>('former-backends');
  const waits = new Map<string, { stop(): void }>();

  const drop = (mesh: string, backend: string): void => {
    const id = `${mesh}/${backend}`;
    waits.get(id)?.stop();
    waits.delete(id);
    const rest = (source.get(mesh) ?? []).filter((each) => each.backend !== backend);
    if (rest.length === 0) source.delete(mesh);
    else source.set(mesh, rest);
  };
  const keep = (mesh: string, former: FormerBackend): void => {
    const { backend } = former;
    const watch = live.graph.watch(isUsed, [mesh, backend], (used) => {
      if (!used) drop(mesh, backend);
    });
    const timer = clock.at(clock.now() + patience, () => drop(mesh, backend));
    waits.set(`${mesh}/${backend}`, {
      stop() {
        watch.stop();
        timer.stop();
      },
    });
    source.set(mesh, [...(source.get(mesh) ?? []), former]);
  };
  const feed = live.onApplying((changes) => {
    for (const { key, before, after } of changes) {
      if (key.type !== 'Mesh' || before === undefined) continue;
      const now = new Set(hasMtls(after) ? meshBackends(after).map(({ name }) => name) : []);
      for (const { backend } of source.get(key.name) ?? []) {
        if (now.size === 0 || now.has(backend)) drop(key.name, backend);
      }
      if (now.size === 0) continue;
      // The graph has the Mesh as it was.
      for (const { backend, state } of meshAuthorities.get(key.name)?.authorities ?? []) {
        const roots = 'prepared' in state ? state.roots : undefined;
        if (roots !== undefined && !now.has(backend) && isUsed.get(key.name, backend))
          keep(key.name, { backend, roots });
      }
    }
  });
  return {
    backends: source,
    stop() {
      feed.stop();
      for (const wait of waits.values()) wait.stop();
      waits.clear();
      for (const mesh of source.keys()) source.delete(mesh);
    },
  };
}

function hasMtls(mesh: Resource | undefined): boolean {
  return ((mesh?.spec as MeshSpec | undefined)?.mtls?.enabledBackend ?? '') !== '';
}
