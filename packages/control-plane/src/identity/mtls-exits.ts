// Switching mTLS off in an order that loses no request: servers take plain text, clients speak it, and only then servers take no TLS any more. What is
// written counts at once for everything but the proxies that are connected.
import type { Source } from '@ursa/collections';
import type { MtlsExit } from '@ursa/engine';
import type { MeshSpec, Resource } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';

/** What exits are made with. */
export interface MtlsExitsInputs {
  readonly live: Pick<LiveResources, 'onApplying'>;
  /** Filled here. */
  readonly exits: Source<MtlsExit>;
  /** Whether proxies of a mesh are connected; without them there is nothing to keep an order for. */
  readonly isConnected: (mesh: string) => boolean;
  /** Resolves when the connected proxies of a mesh have taken what they should have now, or have had their time to. */
  readonly untilTaken: (mesh: string) => Promise<void>;
}

interface Enabled {
  readonly backend: string;
  readonly strict: boolean;
}

/** Keeps the order until it is stopped. A mesh that gets mTLS again, or is deleted, has no exit any more. */
export function openMtlsExits({ live, exits, isConnected, untilTaken }: MtlsExitsInputs): { stop(): void } {
  const begin = (mesh: string, exit: MtlsExit): void => {
    exits.set(mesh, exit);
    void untilTaken(mesh).then(() => {
      // Another exit, or mTLS, may have come meanwhile.
      if (exits.get(mesh) !== exit) return;
      if (exit.clients === 'tls') begin(mesh, { ...exit, clients: 'plaintext' });
      else exits.delete(mesh);
    });
  };
  const applying = live.onApplying((changes) => {
    for (const { key, before, after } of changes) {
      if (key.type !== 'Mesh') continue;
      const was = enabledMtls(before);
      const is = enabledMtls(after);
      if (after === undefined || is !== undefined) exits.delete(key.name);
      else if (was !== undefined && isConnected(key.name))
        begin(key.name, { backend: was.backend, clients: was.strict ? 'tls' : 'plaintext' });
    }
  });
  return {
    stop() {
      applying.stop();
      for (const mesh of exits.keys()) exits.delete(mesh);
    },
  };
}

function enabledMtls(mesh: Resource | undefined): Enabled | undefined {
  const { mtls } = (mesh?.spec ?? {}) as MeshSpec;
  const backend = mtls?.backends?.find(({ name }) => name === mtls.enabledBackend);
  return backend && { backend: backend.name ?? '', strict: backend.mode !== 'PERMISSIVE' };
}
