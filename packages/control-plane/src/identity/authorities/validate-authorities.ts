// Checks the authorities of a Mesh before it is written: a mesh with an authority that cannot sign would have proxies without certificates.
import { readFile } from 'node:fs/promises';
import { MeshError, type MeshSpec, type Violation } from '@ursa/resources';
import { withCheck } from '../../store/checked-manager.ts';
import type { LiveResources } from '../../store/live-resources.ts';
import type { ResourceManager } from '../../store/resource-manager.ts';
import { contentOf } from './authority-sources.ts';
import { certificateAuthorities } from './authority-types.ts';
import { type DataSource, readDataSource, validateDataSource } from './data-source.ts';
import type { AuthorityConf, AuthorityPlace, SourceContents } from './define-authority.ts';

/** The manager, which then refuses a Mesh with an authority that cannot sign: `MeshError('invalid')`. */
export function withAuthorityChecks(manager: ResourceManager, live: LiveResources): ResourceManager {
  return withCheck(manager, async (drafts) => {
    for (const { type, name, spec } of drafts) {
      const violations = type === 'Mesh' ? await validateAuthorities(name, spec as MeshSpec, live) : [];
      const [first] = violations;
      if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
    }
  });
}

/** What is wrong with the authorities of a Mesh that is about to be written, with paths from the document's top. */
export async function validateAuthorities(
  mesh: string,
  { mtls }: MeshSpec,
  live: LiveResources,
): Promise<readonly Violation[]> {
  if (mtls?.skipValidation === true) return [];
  const found = await Promise.all(
    (mtls?.backends ?? []).map(async ({ type = '', name: backend = '', conf = {} }, position) => {
      const violations = await validateBackend(type, conf, { mesh, backend }, live);
      return violations.map(({ field, message }) => ({ field: `mtls.backends[${position}].conf.${field}`, message }));
    }),
  );
  return found.flat();
}

async function validateBackend(
  type: string,
  conf: AuthorityConf,
  place: AuthorityPlace,
  live: LiveResources,
): Promise<readonly Violation[]> {
  const definition = certificateAuthorities.get(type);
  if (definition?.validate === undefined) return [];
  const sources = definition.sources(conf, place);
  const shape = Object.entries(sources).flatMap(([field, value]) => validateDataSource(field, value));
  if (shape.length > 0) return shape;
  const loaded = await Promise.all(
    Object.entries(sources).map(async ([field, value]) => [field, value, await load(value, place.mesh, live)] as const),
  );
  const missing = loaded.flatMap(([field, value, content]) =>
    content === undefined ? [{ field, message: cannotLoad(readDataSource(value)) }] : [],
  );
  if (missing.length > 0) return missing;
  const contents: SourceContents = Object.fromEntries(loaded.map(([field, , content]) => [field, content]));
  return definition.validate(conf, contents);
}

async function load(value: unknown, mesh: string, live: LiveResources): Promise<string | undefined> {
  const source = readDataSource(value);
  if (source?.kind !== 'file') return source === undefined ? undefined : contentOf(source, mesh, live);
  return await readFile(source.path, 'utf8').catch(() => undefined);
}

function cannotLoad(source: DataSource | undefined): string {
  if (source?.kind === 'secret') return `could not load data: the secret "${source.name}" does not exist in the mesh`;
  return source?.kind === 'file'
    ? `could not load data: the control plane cannot read the file ${source.path}`
    : 'could not load data';
}
