// `kumactl apply -f`: reads documents, refuses them here when they cannot be right, and puts them one by one into the control plane.

import { MeshError, type ParsedDocument, parseResource, parseYamlDocuments, type ResourceDraft } from '@ursa/resources';
import type { Command } from 'commander';
import { collectPairs, type Pair } from '../pairs.ts';
import { readSources } from '../read-sources.ts';
import { resourcePath } from '../resource-paths.ts';
import type { Session } from '../session.ts';
import { renderVariables } from '../template-variables.ts';
import { formatResourceYaml } from '../yaml-output.ts';

interface ApplyFlags {
  readonly file: string;
  readonly var: readonly Pair[];
  readonly dryRun: boolean;
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
    .action(async (flags: ApplyFlags) => {
      const current = session();
      const writes = await plan(current, flags);
      for (const write of writes) {
        if (flags.dryRun) printDocument(current, write.body, writes.length > 1);
        else await put(current, write);
      }
    });
}

/** Reads and checks everything before anything is sent, so that one bad document does not leave half of the others applied. */
async function plan(session: Session, flags: ApplyFlags): Promise<readonly PlannedWrite[]> {
  const sources = await readSources(flags.file, session.terminal);
  const documents = sources.flatMap(({ name, text }) =>
    parseYamlDocuments(renderVariables(text, flags.var, name), { source: name }),
  );
  if (documents.length === 0) throw new MeshError('invalid', `--file: ${flags.file} holds no resource`);
  const problems: string[] = [];
  const writes: PlannedWrite[] = [];
  for (const document of documents) {
    try {
      const body = withMesh(document.value, session);
      writes.push({ document, body, draft: parseResource(session.types, body) });
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      problems.push(...describeProblems(document, error));
    }
  }
  if (problems.length > 0) throw new MeshError('invalid', `nothing was applied:\n${problems.join('\n')}`);
  return writes;
}

/** A mesh-scoped document without a mesh goes to the mesh of `--mesh` or of the context. */
function withMesh(value: unknown, session: Session): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || 'mesh' in value) return value;
  const type = typeof value.type === 'string' ? session.types.byName(value.type) : undefined;
  return type?.scope === 'Mesh' ? { ...value, mesh: session.mesh } : value;
}

async function put(session: Session, { document, body, draft }: PlannedWrite): Promise<void> {
  const type = session.types.byName(draft.type);
  if (type === undefined) throw new MeshError('internal', `no resource type ${draft.type}`);
  const path = resourcePath(type, draft.mesh, draft.name);
  try {
    const answer = await session.client().send({ method: 'PUT', path, body: JSON.stringify(body) });
    const { warnings = [] }: { warnings?: readonly string[] } =
      answer.text.trim() === '' ? {} : JSON.parse(answer.text);
    for (const warning of warnings) session.terminal.printError(`Warning: ${warning}\n`);
    const mesh = type.scope === 'Mesh' ? ` mesh=${JSON.stringify(draft.mesh)}` : '';
    const outcome = answer.status === 201 ? 'Created' : 'Updated';
    session.terminal.print(`resource type="${type.name}"${mesh} name=${JSON.stringify(draft.name)} ${outcome}\n`);
  } catch (error) {
    if (!(error instanceof MeshError) || error.violations.length === 0) throw error;
    throw new MeshError(
      error.code,
      `${type.name} "${draft.name}" was refused:\n${describeProblems(document, error).join('\n')}`,
      { cause: error },
    );
  }
}

function describeProblems(document: ParsedDocument, error: MeshError): readonly string[] {
  if (error.violations.length === 0) return [document.describe('', error.message)];
  return error.violations.map(({ field, message }) => document.describe(field, message));
}

function printDocument(session: Session, body: unknown, several: boolean): void {
  const fields = typeof body === 'object' && body !== null ? Object.fromEntries(Object.entries(body)) : {};
  session.terminal.print(`${several ? '---\n' : ''}${formatResourceYaml(fields)}`);
}
