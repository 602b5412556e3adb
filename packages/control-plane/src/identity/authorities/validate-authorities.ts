// Checks the authorities of a Mesh before it is written: a mesh with an authority that cannot sign would have proxies without certificates.
import { readFile } from 'node:fs/promises';
import { MeshError, type MeshSpec, type Violation } from '@ursa/resources';
import { withCheck } from '../../store/checked-manager.ts';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import type { ResourceManager } from '../../store/resource-manager.ts';
import { secretData } from '../tokens/token-keys.ts';
import { validateAuthorityPair } from './authority.ts';
import { type DataSource, readDataSource, validateDataSource } from './data-source.ts';

/** The manager, which then refuses a Mesh with a provided authority that cannot sign: `MeshError('invalid')`. */
export function withAuthorityChecks(manager: ResourceManager, live: LiveResources): ResourceManager {
  return withCheck(manager, async (drafts) => {
    for (const { type, name, spec } of drafts) {
      const violations = type === 'Mesh' ? await validateAuthorities(name, spec as MeshSpec, live) : [];
      const [first] = violations;
      if (first !== undefined) throw new MeshError('invalid', `${first.field}: ${first.message}`, { violations });
    }
  });
}

/** What is wrong with the provided authorities of a Mesh that is about to be written, with paths from the document's top. */
export async function validateAuthorities(
  mesh: string,
  { mtls }: MeshSpec,
  live: LiveResources,
): Promise<readonly Violation[]> {
  if (mtls?.skipValidation === true) return [];
  const found = await Promise.all(
    (mtls?.backends ?? []).map(async ({ type, conf = {} }, position) => {
      const violations = type === 'provided' ? await validateProvided(mesh, conf, live) : [];
      return violations.map(({ field, message }) => ({ field: `mtls.backends[${position}].conf.${field}`, message }));
    }),
  );
  return found.flat();
}

async function validateProvided(
  mesh: string,
  conf: Readonly<Record<string, unknown>>,
  live: LiveResources,
): Promise<readonly Violation[]> {
  const violations = [...validateDataSource('cert', conf.cert), ...validateDataSource('key', conf.key)];
  if (violations.length > 0) return violations;
  const [certificate, privateKey] = await Promise.all([load('cert'), load('key')]);
  const missing = [certificate, privateKey].flatMap((loaded) => ('violation' in loaded ? [loaded.violation] : []));
  if ('violation' in certificate || 'violation' in privateKey) return missing;
  return validateAuthorityPair({ certificate: certificate.content, privateKey: privateKey.content });

  async function load(field: string): Promise<{ readonly content: string } | { readonly violation: Violation }> {
    const source = readDataSource(conf[field]);
    const content = source === undefined ? undefined : await loadDataSource(mesh, source, live);
    return content === undefined ? { violation: { field, message: cannotLoad(source) } } : { content };
  }
}

async function loadDataSource(mesh: string, source: DataSource, live: LiveResources): Promise<string | undefined> {
  if (source.kind === 'inline') return source.content;
  if (source.kind === 'secret') {
    const secret = live.resources('Secret').get(keyInType({ mesh, name: source.name }));
    return secret === undefined ? undefined : Buffer.from(secretData(secret), 'base64').toString('utf8');
  }
  return await readFile(source.path, 'utf8').catch(() => undefined);
}

function cannotLoad(source: DataSource | undefined): string {
  if (source?.kind === 'secret') return `could not load data: the secret "${source.name}" does not exist in the mesh`;
  return source?.kind === 'file'
    ? `could not load data: the control plane cannot read the file ${source.path}`
    : 'could not load data';
}
