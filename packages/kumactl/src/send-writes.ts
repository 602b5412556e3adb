// Puts resources into the control plane: several as one change, which proxies see whole or not at all.
import { MeshError } from '@ursa/resources';
import { withPlaces } from './change-request.ts';
import { field, listOf } from './json-fields.ts';
import { describeProblems, type PlannedWrite } from './planned-writes.ts';
import { resourcePath } from './resource-paths.ts';
import type { Session } from './session.ts';

// What one request may carry leaves room for the list around the resources (docs/reference/limits.md).
const mostBytes = 900 * 1024;
const mostResources = 1000;

/** How writes are sent. */
export interface SendOptions {
  /** Goes on where strict mTLS would cut off clients. */
  readonly force: boolean;
}

/** Writes and reports each; gives the store's revision from which on all count, when the control plane says it. */
export async function sendWrites(
  session: Session,
  writes: readonly PlannedWrite[],
  options: SendOptions,
): Promise<number | undefined> {
  const [only, ...others] = writes;
  if (only === undefined) return undefined;
  if (others.length === 0) return await sendOne(session, only, 1, options);
  const groups = inGroups(writes);
  if (groups.length > 1)
    session.terminal.printError(
      `Note: too much for one change; it is applied as ${groups.length}, one after another\n`,
    );
  let revision: number | undefined;
  let done = 0;
  for (const group of groups) {
    revision = (await sendTogether(session, group, done, writes.length, options)) ?? revision;
    done += group.length;
  }
  return revision;
}

/** Groups in order, each small enough for a request. */
function inGroups(writes: readonly PlannedWrite[]): readonly (readonly PlannedWrite[])[] {
  const groups: PlannedWrite[][] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = Buffer.byteLength(JSON.stringify(write.body));
    const group = groups.at(-1);
    if (group === undefined || group.length === mostResources || bytes + size > mostBytes) {
      groups.push([write]);
      bytes = size;
    } else {
      group.push(write);
      bytes += size;
    }
  }
  return groups;
}

async function sendTogether(
  session: Session,
  writes: readonly PlannedWrite[],
  done: number,
  total: number,
  options: SendOptions,
): Promise<number | undefined> {
  const body = JSON.stringify({ resources: writes.map((write) => write.body) });
  try {
    const { text, revision } = await session.client().send({ method: 'POST', path: forced('/_apply', options), body });
    const applied: unknown = JSON.parse(text);
    for (const warning of listOf(applied, 'warnings')) session.terminal.printError(`Warning: ${String(warning)}\n`);
    for (const [index, answer] of listOf(applied, 'resources').entries()) {
      const write = writes[index];
      if (write !== undefined) report(session, write, field(answer, 'created') === true, answer);
    }
    return revision;
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    // Other control planes of this API take resources one by one only.
    if (error.code === 'not-found') return await sendEach(session, writes, options);
    const before = done === 0 ? 'nothing was applied' : `the first ${done} of ${total} were applied, the others not`;
    if (error.violations.length > 0 && error.code !== 'conflict') throw withPlaces(error, writes, before);
    throw done === 0 ? error : afterOthers(error, before);
  }
}

function afterOthers(error: MeshError, before: string): MeshError {
  return new MeshError(error.code, `${error.message}\n${before}`, { violations: error.violations, cause: error });
}

function forced(path: string, { force }: SendOptions): string {
  return force ? `${path}?force=true` : path;
}

async function sendEach(
  session: Session,
  writes: readonly PlannedWrite[],
  options: SendOptions,
): Promise<number | undefined> {
  let revision: number | undefined;
  for (const [index, write] of writes.entries()) {
    revision = (await sendOne(session, write, writes.length - index, options)) ?? revision;
  }
  return revision;
}

async function sendOne(
  session: Session,
  write: PlannedWrite,
  left: number,
  options: SendOptions,
): Promise<number | undefined> {
  const { document, body, type, mesh, name } = write;
  const path = forced(resourcePath(type, mesh, name), options);
  try {
    const { status, text, revision } = await session.client().send({ method: 'PUT', path, body: JSON.stringify(body) });
    report(session, write, status === 201, text.trim() === '' ? undefined : JSON.parse(text));
    return revision;
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    const rest = left > 1 ? `\nthe ${left - 1} after it ${left > 2 ? 'were' : 'was'} not sent` : '';
    // What stands in the way of strict mTLS stands in no document.
    if (error.code === 'conflict') throw rest === '' ? error : afterOthers(error, rest.trim());
    const place = describeProblems(document, isMissingMesh(error) ? missingMesh(mesh) : error);
    throw new MeshError(error.code, `${type.name} "${name}" was not applied:\n${place.join('\n')}${rest}`, {
      cause: error,
    });
  }
}

const isMissingMesh = ({ code, message }: MeshError): boolean =>
  code === 'not-found' && message.startsWith('Failed to retrieve Mesh');

/** The answer does not say which. */
function missingMesh(mesh: string): MeshError {
  const message = `there is no mesh ${JSON.stringify(mesh)}: apply it first, or correct the name`;
  return new MeshError('not-found', message, { violations: [{ field: 'mesh', message }] });
}

function report({ terminal }: Session, { type, mesh, name }: PlannedWrite, created: boolean, answer: unknown): void {
  for (const warning of listOf(answer, 'warnings')) terminal.printError(`Warning: ${String(warning)}\n`);
  const inMesh = type.scope === 'Mesh' ? ` mesh=${JSON.stringify(mesh)}` : '';
  const outcome = created ? 'Created' : 'Updated';
  terminal.print(`resource type="${type.name}"${inMesh} name=${JSON.stringify(name)} ${outcome}\n`);
}
