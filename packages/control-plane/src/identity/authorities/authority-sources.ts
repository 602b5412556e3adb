// What the data sources of a backend hold, for derivations: read from the live resources and from the files that are kept loaded.
import type { Collection } from '@ursa/collections';
import { keyInType, type LiveResources } from '../../store/live-resources.ts';
import { secretData } from '../tokens/token-keys.ts';
import { type DataSource, readDataSource, validateDataSource } from './data-source.ts';
import type { SourceContents } from './define-authority.ts';

/** The contents of all sources by field, or the first that cannot be read. Every read is tracked. */
export function readSources(
  sources: Readonly<Record<string, unknown>>,
  mesh: string,
  live: LiveResources,
  files: Collection<string>,
): { readonly contents: SourceContents } | { readonly fault: string } {
  const contents: Record<string, string> = {};
  for (const [field, value] of Object.entries(sources)) {
    const source = readDataSource(value);
    if (source === undefined) {
      const [violation] = validateDataSource(field, value);
      return { fault: `conf.${violation?.field ?? field}: ${violation?.message ?? 'cannot be read'}` };
    }
    const content = source.kind === 'file' ? files.get(source.path) : contentOf(source, mesh, live);
    if (content === undefined) return { fault: `${describeSource(source)} does not exist` };
    contents[field] = content;
  }
  return { contents };
}

/** What a Secret of the mesh or the resource itself holds. */
export function contentOf(
  source: Exclude<DataSource, { readonly kind: 'file' }>,
  mesh: string,
  live: LiveResources,
): string | undefined {
  if (source.kind === 'inline') return source.content;
  const secret = live.resources('Secret').get(keyInType({ mesh, name: source.name }));
  return secret === undefined ? undefined : Buffer.from(secretData(secret), 'base64').toString('utf8');
}

function describeSource(source: DataSource): string {
  if (source.kind === 'secret') return `the secret "${source.name}"`;
  return source.kind === 'file' ? `the file ${source.path}` : 'the inline content';
}
