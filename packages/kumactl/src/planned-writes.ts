// Reads what a user wants to write from files, folders, addresses or standard input, and checks all of it before anything is sent.
import { MeshError, type ParsedDocument, parseResource, parseYamlDocuments, type ResourceTypes } from '@ursa/resources';
import type { Pair } from './flags.ts';
import { field } from './json-fields.ts';
import { readSources } from './read-sources.ts';
import { findType } from './resource-paths.ts';
import type { Session } from './session.ts';
import { renderVariables } from './template-variables.ts';
import { type KnownType, loadResourceTypes, typeHandles } from './type-handles.ts';

/** Where documents come from. */
export interface SourceFlags {
  readonly file: string;
  readonly var: readonly Pair[];
}

/** A document that is known to be a resource. */
export interface PlannedWrite {
  readonly document: ParsedDocument;
  /** What the user wrote, with its mesh: this is sent, so that the control plane judges the user's own words. */
  readonly body: unknown;
  readonly type: KnownType;
  /** '' for a type of no mesh. */
  readonly mesh: string;
  readonly name: string;
}

/** Reads and checks everything before anything is sent, so that one bad document does not leave half of the others applied. */
export async function planWrites(session: Session, flags: SourceFlags): Promise<readonly PlannedWrite[]> {
  const sources = await readSources(flags.file, session.terminal);
  const documents = sources.flatMap(({ name, text }) => parseSource(renderVariables(text, flags.var, name), name));
  if (documents.length === 0) throw new MeshError('invalid', `--file: ${flags.file} holds no resource`);
  const types = await loadResourceTypes();
  const problems: string[] = [];
  const writes: PlannedWrite[] = [];
  for (const document of documents) {
    try {
      writes.push(await planOne(document, types, session));
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      problems.push(...describeProblems(document, error));
    }
  }
  if (problems.length > 0) throw new MeshError('invalid', `nothing was applied:\n${problems.join('\n')}`);
  return writes;
}

/** A policy of the user's own is checked by the control plane alone: only it has the schema. */
async function planOne(document: ParsedDocument, types: ResourceTypes, session: Session): Promise<PlannedWrite> {
  const named = field(document.value, 'type');
  const isOwn = typeof named === 'string' && types.byName(named) === undefined;
  const found = isOwn ? await findType(named, session).catch(() => undefined) : undefined;
  const body = withMesh(document.value, session, found);
  const [mesh, name] = [field(body, 'mesh'), field(body, 'name')];
  if (found !== undefined && found.name === named && typeof mesh === 'string' && typeof name === 'string')
    return { document, body, type: found, mesh, name };
  const draft = parseResource(types, body);
  return { document, body, type: await findType(draft.type, session), mesh: draft.mesh, name: draft.name };
}

/** A text that may hold a secret is not quoted in errors. */
function parseSource(text: string, source: string): readonly ParsedDocument[] {
  try {
    return parseYamlDocuments(text, { source });
  } catch (error) {
    if (!(error instanceof MeshError) || !/\bSecret\b/.test(text)) throw error;
    throw new MeshError(error.code, firstLine(error.message));
  }
}

/** A mesh-scoped document without a mesh goes to the mesh of `--mesh` or of the context. */
function withMesh(value: unknown, session: Session, found?: KnownType): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || 'mesh' in value) return value;
  const type = found ?? (typeof value.type === 'string' ? typeHandles.byName(value.type) : undefined);
  return type?.scope === 'Mesh' ? { ...value, mesh: session.mesh } : value;
}

/** Each problem with its place and the line; the lines of a secret are left out. */
export function describeProblems(document: ParsedDocument, error: MeshError): readonly string[] {
  const violations = error.violations.length > 0 ? error.violations : [{ field: '', message: error.message }];
  const described = violations.map(({ field, message }) => document.describe(field, message));
  return isSecret(document.value) ? described.map(firstLine) : described;
}

function isSecret(value: unknown): boolean {
  return [field(value, 'type'), field(value, 'kind')].some(
    (name) => typeof name === 'string' && name.endsWith('Secret'),
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1).join('');
}
