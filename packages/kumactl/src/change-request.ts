// Asks the control plane what a change would do, and prints it: for `diff` and `apply --dry-run=server`.
import { MeshError } from '@ursa/resources';
import { formatChangeText } from './change-text.ts';
import type { OutputFormat } from './flags.ts';
import { describeProblems, type PlannedWrite } from './planned-writes.ts';
import type { Session } from './session.ts';
import { formatYaml } from './yaml-output.ts';

/** The control plane's answer; nothing is written. `deleted`: what if the resources were deleted. Errors carry the place in the documents. */
export async function askChange(session: Session, writes: readonly PlannedWrite[], deleted: boolean): Promise<unknown> {
  const body = deleted
    ? { deletions: writes.map(({ type, mesh, name }) => ({ type: type.name, mesh, name })) }
    : { resources: writes.map((write) => write.body) };
  try {
    const { text } = await session.client().send({ method: 'POST', path: '/_diff', body: JSON.stringify(body) });
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof MeshError) throw withPlaces(error, writes, 'the change would be refused');
    throw error;
  }
}

/** Prints the answer in a form. */
export function printChange({ terminal }: Session, answer: unknown, output: OutputFormat): void {
  if (output === 'yaml') terminal.print(formatYaml(answer));
  else terminal.print(output === 'json' ? `${JSON.stringify(answer, null, 2)}\n` : formatChangeText(answer));
}

/** The error of a list of resources, `outcome` first: `resources[2].spec.to` is where the third document says it. */
export function withPlaces(error: MeshError, writes: readonly PlannedWrite[], outcome: string): MeshError {
  const lines = error.violations.flatMap(({ field, message }) => {
    const [, position, path = ''] = /^(?:resources|deletions)\[(\d+)\]\.?(.*)$/.exec(field) ?? [];
    const write = position === undefined ? undefined : writes[Number(position)];
    if (write === undefined) return [`${field}: ${message}`];
    return describeProblems(
      write.document,
      new MeshError(error.code, message, { violations: [{ field: path, message }] }),
    );
  });
  if (lines.length === 0) return error;
  return new MeshError(error.code, `${outcome}:\n${lines.join('\n')}`, { cause: error });
}
