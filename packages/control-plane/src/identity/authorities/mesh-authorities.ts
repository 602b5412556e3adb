// The authorities of each mesh, derived from its backends and the secrets they stand on.
import type { Collection, Derivation, Graph } from '@ursa/collections';
import type { MeshSpec, Resource } from '@ursa/resources';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { secretData } from '../tokens/token-keys.ts';
import { type AuthorityPair, validateAuthorityPair } from './authority.ts';
import { builtinAuthoritySecrets, parseLifetime } from './builtin-authority.ts';
import { type DataSource, readDataSource, validateDataSource } from './data-source.ts';

/** A backend of a mesh: its authority, or why it has none. */
export interface MeshAuthority {
  readonly backend: string;
  readonly type: string;
  /** Lifetime of the certificates it issues to workloads, in milliseconds. */
  readonly leafLifetime: number;
  readonly state: { readonly pair: AuthorityPair } | { readonly fault: string };
}

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
  const pairOf = deriveAuthorityPair(live, files);
  return live.graph.derive('mesh-authorities', (mesh: string): MeshAuthorities | undefined => {
    const backends = meshBackends(live.resources('Mesh').get(keyInType({ mesh: '', name: mesh })));
    if (backends.length === 0) return undefined;
    return {
      enabled: mtlsOf(live.resources('Mesh').get(keyInType({ mesh: '', name: mesh })))?.enabledBackend ?? '',
      authorities: backends.map(({ name, type, dpCert }) => ({
        backend: name,
        type,
        leafLifetime: parseLifetime(dpCert?.rotation?.expiration ?? '') ?? defaultLeafLifetime,
        state: pairOf.get(mesh, name),
      })),
    };
  });
}

/** Paths of the files that the backends of a mesh name. */
export function authorityFiles(mesh: Resource | undefined): readonly string[] {
  return meshBackends(mesh)
    .filter((backend) => backend.type === 'provided')
    .flatMap((backend) => [readDataSource(backend.conf?.cert), readDataSource(backend.conf?.key)])
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

function mtlsOf(mesh: Resource | undefined): MeshSpec['mtls'] {
  return (mesh?.spec as MeshSpec | undefined)?.mtls;
}

// Apart from the list of authorities, so that a pair keeps its identity (and its opened key) when another backend changes.
function deriveAuthorityPair(live: LiveResources, files: Collection<string>) {
  const graph: Graph = live.graph;
  return graph.derive('authority-pair', (mesh: string, backendName: string): MeshAuthority['state'] => {
    const resource = live.resources('Mesh').get(keyInType({ mesh: '', name: mesh }));
    const backend = meshBackends(resource).find(({ name }) => name === backendName);
    const secret = (name: string): string | undefined => {
      const found = live.resources('Secret').get(keyInType({ mesh, name }));
      return found === undefined ? undefined : Buffer.from(secretData(found), 'base64').toString('utf8');
    };
    if (backend?.type === 'builtin') {
      const names = builtinAuthoritySecrets(mesh, backendName);
      return checkedPair(secret(names.certificate), secret(names.key), [
        `the secret "${names.certificate}"`,
        `the secret "${names.key}"`,
      ]);
    }
    if (backend?.type === 'provided') {
      const { cert, key } = backend.conf ?? {};
      const [violation] = [...validateDataSource('cert', cert), ...validateDataSource('key', key)];
      if (violation !== undefined) return { fault: `conf.${violation.field}: ${violation.message}` };
      const load = (source: DataSource | undefined): string | undefined => {
        if (source?.kind === 'secret') return secret(source.name);
        return source?.kind === 'file' ? files.get(source.path) : source?.content;
      };
      const sources = [readDataSource(cert), readDataSource(key)];
      return checkedPair(load(sources[0]), load(sources[1]), sources.map(describeSource));
    }
    return {
      fault: `the backend type ${JSON.stringify(backend?.type ?? '')} is not supported; use builtin or provided`,
    };
  });
}

function checkedPair(
  certificate: string | undefined,
  privateKey: string | undefined,
  sources: readonly (string | undefined)[],
): MeshAuthority['state'] {
  if (certificate === undefined) return { fault: `${sources[0]} does not exist` };
  if (privateKey === undefined) return { fault: `${sources[1]} does not exist` };
  const pair = { certificate, privateKey };
  const [violation] = validateAuthorityPair(pair);
  return violation === undefined ? { pair } : { fault: `${violation.field}: ${violation.message}` };
}

function describeSource(source: DataSource | undefined): string {
  if (source?.kind === 'secret') return `the secret "${source.name}"`;
  return source?.kind === 'file' ? `the file ${source.path}` : 'the inline content';
}
