// The reference page of kumactl, made from the command tree.
import type { Command, Option } from 'commander';
import { examples } from './examples.ts';
import { commandPath, createProgram } from './program.ts';

/** The page as Markdown: every command with its arguments, flags and an example. */
export function describeCommands(): string {
  const program = createProgram({
    env: {},
    home: '~',
    print: () => undefined,
    printError: () => undefined,
    readInput: async () => '',
    now: () => 0,
  });
  const shared = new Set(program.options.map((option) => option.long));
  const sections = leavesOf(program).map((command) => describeCommand(command, shared));
  return [
    '# kumactl',
    'Generated from the program; do not edit. `kumactl <command> --help` says the same.',
    'Exit codes: 0 done · 1 refused or failed, with the reason on standard error · 2 wrong usage. What is asked for goes to standard output, all else to standard error.',
    '## Flags of every command',
    optionTable(program.options),
    ...sections,
    describeInspectPolicy(),
    '',
  ].join('\n\n');
}

function leavesOf(command: Command): readonly Command[] {
  const children = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
  return children.flatMap((child) => (child.commands.length > 0 ? leavesOf(child) : [child]));
}

function describeCommand(command: Command, shared: ReadonlySet<string | undefined>): string {
  const path = commandPath(command);
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const described = command.registeredArguments.map(
    (argument) => `- \`${argument.name()}\`: ${argument.description}${choicesOf(argument.argChoices)}`,
  );
  const own = command.options.filter((option) => !shared.has(option.long));
  return [
    `## \`${[path, ...args].join(' ')}\``,
    `${command.description()}.`,
    ...(described.length > 0 ? [described.join('\n')] : []),
    ...(own.length > 0 ? [optionTable(own)] : []),
    exampleOf(path),
  ].join('\n\n');
}

function describeInspectPolicy(): string {
  return [
    '## `inspect POLICY <name>`, `inspect meshgateway <name>`',
    'Show the data plane proxies to which a policy applies, or that serve a gateway. `POLICY` is any name of a policy type.',
    exampleOf('inspect <policy>'),
  ].join('\n\n');
}

function exampleOf(path: string): string {
  return `\`\`\`sh\n${examples[path] ?? `kumactl ${path} --help`}\n\`\`\``;
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => {
    const fallback = option.defaultValue;
    const isPlain = typeof fallback === 'string' || (Array.isArray(fallback) && fallback.length > 0);
    const need = option.mandatory ? 'required' : isPlain ? `\`${String(fallback)}\`` : '';
    return `| \`${option.flags}\` | ${option.description}${choicesOf(option.argChoices)} | ${need} |`;
  });
  return ['| Flag | Meaning | Default |', '|---|---|---|', ...rows].join('\n');
}

function choicesOf(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.join(', ')}`;
}
