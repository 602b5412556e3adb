// `kumactl apply -f`: reads documents, refuses them here when they cannot be right, and puts them one by one into the control plane.

import {
  MeshError,
  type ParsedDocument,
  parseDuration,
  parseResource,
  parseYamlDocuments,
  type ResourceDraft,
} from '@ursa/resources';
import type { Command } from 'commander';
import { collectPairs, type Pair } from '../flags.ts';
import { followRollout, type Share } from '../follow-rollout.ts';
import { field, listOf } from '../json-fields.ts';
import { readSources } from '../read-sources.ts';
import { resourcePath, typeNamed } from '../resource-paths.ts';
import type { Session } from '../session.ts';
import { renderVariables } from '../template-variables.ts';
import { loadResourceTypes, typeHandles } from '../type-handles.ts';
import { formatResourceYaml } from '../yaml-output.ts';
import { exitCodesText, shareOf, timeoutOption, waitOption } from './rollout.ts';

interface ApplyFlags {
  readonly file: string;
  readonly var: readonly Pair[];
  readonly dryRun: boolean;
  readonly wait?: Share | true;
  readonly timeout: string;
}

/** A document that is known to be a resource. */
interface PlannedWrite {
  readonly document: ParsedDocument;
  /** What the user wrote, with its mesh: this is sent, so that the control plane judges the user's own words. */
  readonly body: unknown;
  readonly draft: ResourceDraft;
}

/** Adds the command. */
export function addApply(program: Command, session: () => Session): void {
  program
    .command('apply')
    .description('Create or update resources')
    .requiredOption('-f, --file <place>', 'file, folder, address, or - for standard input')
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .option('--dry-run', 'print the resources instead of applying them', false)
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addHelpText('after', `\n${exitCodesText}`)
    .action(async (flags: ApplyFlags) => {
      const current = session();
      const writes = await plan(current, flags);
      if (flags.dryRun) return current.terminal.print(writes.map(({ body }) => formatResourceYaml(body)).join('---\n'));
      let revision: number | undefined;
      for (const [index, write] of writes.entries()) {
        revision = (await put(current, write, writes.length - index)) ?? revision;
      }
      if (flags.wait !== undefined) await waitForProxies(current, writes, revision, flags);
    });
}

/** Waits for the proxies of the mesh that was written to; of all meshes when it was not one. */
async function waitForProxies(
  session: Session,
  writes: readonly PlannedWrite[],
  revision: number | undefined,
  flags: ApplyFlags,
): Promise<void> {
  if (revision === undefined)
    throw new MeshError('unsupported', '--wait: this control plane does not say the revision of a write');
  const meshes = new Set(writes.map(({ draft }) => (draft.type === 'Mesh' ? draft.name : draft.mesh)));
  const [mesh = ''] = meshes;
  await followRollout(session, {
    revision,
    mesh: meshes.size === 1 && mesh !== '' ? mesh : undefined,
    share: shareOf(flags.wait),
    timeout: parseDuration(flags.timeout) ?? 0,
  });
}

/** Reads and checks everything before anything is sent, so that one bad document does not leave half of the others applied. */
async function plan(session: Session, flags: ApplyFlags): Promise<readonly PlannedWrite[]> {
  const sources = await readSources(flags.file, session.terminal);
  const documents = sources.flatMap(({ name, text }) => parseSource(renderVariables(text, flags.var, name), name));
  if (documents.length === 0) throw new MeshError('invalid', `--file: ${flags.file} holds no resource`);
  const types = await loadResourceTypes();
  const problems: string[] = [];
  const writes: PlannedWrite[] = [];
  for (const document of documents) {
    try {
      const body = withMesh(document.value, session);
      writes.push({ document, body, draft: parseResource(types, body) });
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      problems.push(...describeProblems(document, error));
    }
  }
  if (problems.length > 0) throw new MeshError('invalid', `nothing was applied:\n${problems.join('\n')}`);
  return writes;
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
function withMesh(value: unknown, session: Session): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || 'mesh' in value) return value;
  const type = typeof value.type === 'string' ? typeHandles.byName(value.type) : undefined;
  return type?.scope === 'Mesh' ? { ...value, mesh: session.mesh } : value;
}

async function put(
  session: Session,
  { document, body, draft }: PlannedWrite,
  left: number,
): Promise<number | undefined> {
  const type = typeNamed(draft.type);
  const path = resourcePath(type, draft.mesh, draft.name);
  try {
    const { status, text, revision } = await session.client().send({ method: 'PUT', path, body: JSON.stringify(body) });
    for (const warning of warningsOf(text)) session.terminal.printError(`Warning: ${warning}\n`);
    const mesh = type.scope === 'Mesh' ? ` mesh=${JSON.stringify(draft.mesh)}` : '';
    const outcome = status === 201 ? 'Created' : 'Updated';
    session.terminal.print(`resource type="${type.name}"${mesh} name=${JSON.stringify(draft.name)} ${outcome}\n`);
    return revision;
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    const rest = left > 1 ? `\nthe ${left - 1} after it ${left > 2 ? 'were' : 'was'} not sent` : '';
    const place = describeProblems(document, error);
    throw new MeshError(error.code, `${type.name} "${draft.name}" was not applied:\n${place.join('\n')}${rest}`, {
      cause: error,
    });
  }
}

function warningsOf(text: string): readonly string[] {
  return text.trim() === '' ? [] : listOf(JSON.parse(text), 'warnings').map(String);
}

/** Each problem with its place and the line; the lines of a secret are left out. */
function describeProblems(document: ParsedDocument, error: MeshError): readonly string[] {
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
