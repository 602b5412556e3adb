// `kumactl completion SHELL` prints a script; the script asks the hidden `kumactl __complete` for candidates, which knows commands, flags,
// resource types and the names of resources in the control plane.

import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { listPath } from '../resource-paths.ts';
import type { Session } from '../session.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `_kumactl() {
  local IFS=$'\\n'
  COMPREPLY=($(kumactl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _kumactl kumactl
`,
  zsh: `#compdef kumactl
_kumactl() {
  local -a candidates
  candidates=("\${(@f)$(kumactl __complete -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a candidates
}
compdef _kumactl kumactl
`,
  fish: `function __kumactl_complete
  set -l words (commandline -opc) (commandline -ct)
  kumactl __complete -- $words[2..-1] 2>/dev/null
end
complete -c kumactl -f -a '(__kumactl_complete)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName kumactl -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  kumactl __complete -- @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
};

/** Adds `completion` and the hidden `__complete`. */
export function addCompletion(program: Command, session: () => Session): void {
  program
    .command('completion')
    .description('Print a completion script for a shell')
    .argument('<shell>', Object.keys(scripts).join(', '))
    .action((shell: string) => {
      const script = scripts[shell];
      if (script === undefined)
        throw new MeshError('invalid', `expected a shell of ${Object.keys(scripts).join(', ')}, got "${shell}"`);
      session().terminal.print(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const candidates = await complete(program, session(), words);
      session().terminal.print(candidates.map((candidate) => `${candidate}\n`).join(''));
    });
}

const typeCommands = new Set(['get', 'delete']);
const namesAtMost = 200;

/** What may stand in place of the last word. */
export async function complete(
  program: Command,
  session: Session,
  words: readonly string[],
): Promise<readonly string[]> {
  const beginning = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  let command = program;
  let consumed = 0;
  for (const word of before) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    command = next;
    consumed += 1;
  }
  const candidates = beginning.startsWith('-')
    ? [...command.options, ...program.options].flatMap((option) => (option.long === undefined ? [] : [option.long]))
    : await wordCandidates(command, session, before.slice(consumed));
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(beginning)).sort();
}

async function wordCandidates(command: Command, session: Session, args: readonly string[]): Promise<readonly string[]> {
  if (!typeCommands.has(command.name()))
    return command.commands.filter((child) => !child.name().startsWith('__')).map((child) => child.name());
  const [typeWord] = args;
  if (typeWord === undefined) return session.types.all.map((type) => type.path);
  const type = session.types.byAnyName(typeWord);
  if (type === undefined || args.length > 1) return [];
  const answer = await session
    .client()
    .send({ method: 'GET', path: `${listPath(type, session.mesh)}?size=${namesAtMost}` });
  const list: { items: { name: string }[] } = JSON.parse(answer.text);
  return list.items.map((item) => item.name);
}
