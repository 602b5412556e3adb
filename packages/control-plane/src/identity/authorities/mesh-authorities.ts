// The authorities of each mesh, derived from its backends and from what they are made of.
import type { Collection, Derivation } from '@ursa/collections';
import { type MeshSpec, parseDuration, type Resource } from '@ursa/resources';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { contentOf, readSources } from './authority-sources.ts';
import { certificateAuthorities } from './authority-types.ts';
import { readDataSource } from './data-source.ts';
import type { PreparedAuthority } from './define-authority.ts';
import { parseLifetime } from './lifetime.ts';

/** A backend of a mesh: its authority, or why it has none. */
export interface MeshAuthority {
  readonly backend: string;
  readonly type: string;
  /** Lifetime of the certificates it issues to workloads, in milliseconds. */
  readonly leafLifetime: number;
  /** How long it may take for a certificate, in milliseconds; undefined: as long as is usual. */
  readonly issuePatience: number | undefined;
  readonly state: AuthorityState;
}

/** An authority that can be opened. `roots` is undefined until it is known for the first time what verifies its certificates. */
export type AuthorityState =
  | { readonly prepared: PreparedAuthority<unknown>; readonly roots: string | undefined }
  | { readonly fault: string };

/** All authorities of a mesh, in the order of its backends. The enabled one issues, all are trusted. */
export interface MeshAuthorities {
  readonly enabled: string;
  readonly authorities: readonly MeshAuthority[];
}

const defaultLeafLifetime = 24 * 3600 * 1000;

/**
 * Derives the authorities of a mesh, undefined when it has no mTLS backends. `files` holds the contents of the files that backends name, by path:
 * a path that is not (yet) there is a fault.
 */
export function deriveMeshAuthorities(
  live: LiveResources,
  files: Collection<string>,
): Derivation<readonly [mesh: string], MeshAuthorities | undefined> {
  const stateOf = deriveAuthorityState(live, files);
  return live.graph.derive('mesh-authorities', (mesh: string): MeshAuthorities | undefined => {
    const backends = meshBackends(live.resources('Mesh').get(keyInType({ mesh: '', name: mesh })));
    if (backends.length === 0) return undefined;
    return {
      enabled: mtlsOf(live.resources('Mesh').get(keyInType({ mesh: '', name: mesh })))?.enabledBackend ?? '',
      authorities: backends.map(({ name, type, dpCert }) => ({
        backend: name,
        type,
        leafLifetime: parseLifetime(dpCert?.rotation?.expiration ?? '') ?? defaultLeafLifetime,
        issuePatience: parseDuration(dpCert?.requestTimeout ?? '') || undefined,
        state: stateOf.get(mesh, name),
      })),
    };
  });
}

/** Paths of the files that the backends of a mesh name. */
export function authorityFiles(mesh: Resource | undefined): readonly string[] {
  const sources = meshBackends(mesh).flatMap(({ name: backend, type, conf = {} }) =>
    Object.values(certificateAuthorities.get(type)?.sources(conf, { mesh: mesh?.name ?? '', backend }) ?? {}),
  );
  return sources
    .map(readDataSource)
    .filter((source) => source?.kind === 'file')
    .map((source) => source.path);
}

/** The mTLS backends of a Mesh resource. */
export function meshBackends(mesh: Resource | undefined) {
  return (mtlsOf(mesh)?.backends ?? []).map((backend) => ({
    ...backend,
    name: backend.name ?? '',
    type: backend.type ?? '',
  }));
}

/** Secret of a mesh in which the roots of an authority elsewhere are kept, so that a control plane that starts while it is away trusts it. */
export function authorityRootsSecret(mesh: string, backend: string): string {
  return `${mesh}.ca-roots-${backend}`;
}

function mtlsOf(mesh: Resource | undefined): MeshSpec['mtls'] {
  return (mesh?.spec as MeshSpec | undefined)?.mtls;
}

function deriveAuthorityState(
  live: LiveResources,
  files: Collection<string>,
): Derivation<readonly [mesh: string, backend: string], AuthorityState> {
  // By backend, so that a Secret that changes opens one authority anew and no other.
  return live.graph.derive('authority-state', (mesh: string, backendName: string): AuthorityState => {
    const resource = live.resources('Mesh').get(keyInType({ mesh: '', name: mesh }));
    const { type = '', conf = {} } = meshBackends(resource).find(({ name }) => name === backendName) ?? {};
    const definition = certificateAuthorities.get(type);
    if (definition === undefined) {
      const types = [...certificateAuthorities.keys()].join(', ');
      return { fault: `the backend type ${JSON.stringify(type)} is not supported; use one of ${types}` };
    }
    const read = readSources(definition.sources(conf, { mesh, backend: backendName }), mesh, live, files);
    if ('fault' in read) return read;
    const prepared = definition.prepare(conf, read.contents);
    if ('fault' in prepared) return prepared;
    const stored = { kind: 'secret', name: authorityRootsSecret(mesh, backendName) } as const;
    return { prepared, roots: prepared.roots ?? contentOf(stored, mesh, live) };
  });
}
