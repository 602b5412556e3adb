// What may stand in place of the last word of a command line: commands, flags and their values, resource types, and names that the control plane
// and the configuration file know.
import type { Command, Option } from 'commander';
import { field, listOf } from '../json-fields.ts';
import { listPath } from '../resource-paths.ts';
import type { Session } from '../session.ts';
import { typeHandles } from '../type-handles.ts';

/** How far the words have come. */
interface Position {
  readonly command: Command;
  /** Arguments of the command before the last word. */
  readonly args: readonly string[];
  /** The flag whose value the last word is. */
  readonly option: Option | undefined;
  /** The mesh of `--mesh`, if it was given. */
  readonly mesh: string | undefined;
  readonly context: string | undefined;
}

const namesAtMost = 200;
const typeCommands = new Set(['get', 'delete']);

/** The candidates, sorted; none where nothing is known or the control plane does not answer. */
export async function candidatesFor(
  program: Command,
  session: Session,
  words: readonly string[],
): Promise<readonly string[]> {
  // bash makes three words of --mesh=x.
  const separate = words.flatMap((word) => (/^--[^=]+=/.test(word) ? splitAt(word, word.indexOf('=')) : [word]));
  const plain = separate.filter((word, index) => word !== '=' || separate[index - 1]?.startsWith('--') !== true);
  const last = words.at(-1) === '=' ? '' : (plain.at(-1) ?? '');
  const before = words.at(-1) === '=' ? plain : plain.slice(0, -1);
  const position = positionAfter(program, before);
  const candidates =
    position.option !== undefined
      ? await valuesOf(position.option, position, session)
      : last.startsWith('-')
        ? flagsOf(position.command)
        : await wordsOf(position, session);
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(last)).sort();
}

function splitAt(word: string, index: number): readonly string[] {
  return [word.slice(0, index), word.slice(index + 1)];
}

function positionAfter(program: Command, words: readonly string[]): Position {
  let command = program;
  let option: Option | undefined;
  const args: string[] = [];
  const values = new Map<string, string>();
  for (const word of words) {
    if (option !== undefined) {
      values.set(option.attributeName(), word);
      option = undefined;
    } else if (word.startsWith('-')) {
      option = command.options.find((candidate) => [candidate.long, candidate.short].includes(word));
      if (option?.required !== true) option = undefined;
    } else {
      const next = args.length === 0 ? childNamed(command, word) : undefined;
      if (next === undefined) args.push(word);
      else command = next;
    }
  }
  return { command, args, option, mesh: values.get('mesh'), context: values.get('context') };
}

function childNamed(command: Command, word: string): Command | undefined {
  return command.commands.find((child) => child.name() === word || child.aliases().includes(word));
}

function flagsOf(command: Command): readonly string[] {
  return [...command.options.flatMap((option) => (option.long == null ? [] : [option.long])), '--help'];
}

async function valuesOf(option: Option, position: Position, session: Session): Promise<readonly string[]> {
  if (option.argChoices !== undefined) return option.argChoices;
  const configuration = session.configuration(true);
  if (option.attributeName() === 'context') return configuration.contexts.map(({ name }) => name);
  if (option.attributeName() === 'mesh') return namesOf('Mesh', position, session);
  const isControlPlane = position.command.parent?.name() === 'control-planes' && option.attributeName() === 'name';
  return isControlPlane ? configuration.controlPlanes.map(({ name }) => name) : [];
}

async function wordsOf(position: Position, session: Session): Promise<readonly string[]> {
  const { command, args } = position;
  const [word] = args;
  if (typeCommands.has(command.name())) {
    if (word === undefined) return typeHandles.all.map((type) => type.path);
    return args.length === 1 ? namesOf(word, position, session) : [];
  }
  if (args.length > 0) return [];
  if (command.parent?.name() === 'inspect' && command.registeredArguments.length > 0)
    return namesOf(command.name(), position, session);
  const [argument] = command.registeredArguments;
  if (argument?.argChoices !== undefined) return argument.argChoices;
  return command.commands.map((child) => child.name()).filter((name) => !name.startsWith('__'));
}

async function namesOf(typeWord: string, position: Position, session: Session): Promise<readonly string[]> {
  const type = typeHandles.byAnyName(typeWord);
  if (type === undefined) return [];
  const path = `${listPath(type, position.mesh ?? session.mesh)}?size=${namesAtMost}`;
  const answer = await session.client(position.context).get(path);
  return listOf(answer, 'items').map((item) => String(field(item, 'name')));
}
