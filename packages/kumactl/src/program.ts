// The command tree. Commands get a session when they run, so that `--help` and completion touch nothing.
import { MeshError, plainFlags } from '@ursa/resources';
import { Command, CommanderError, Help, Option } from 'commander';
import { addApply } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDelete } from './commands/delete.ts';
import { addDemo } from './commands/demo.ts';
import { addDiff } from './commands/diff.ts';
import { addExplain } from './commands/explain.ts';
import { addExport } from './commands/export.ts';
import { addGenerateJoinCode } from './commands/generate-join-code.ts';
import { addGenerateKeys } from './commands/generate-keys.ts';
import { addGenerateTokens } from './commands/generate-token.ts';
import { addGet } from './commands/get.ts';
import { addInspectDataplane } from './commands/inspect-dataplane.ts';
import { addInspectDataplanes } from './commands/inspect-dataplanes.ts';
import { addInspectLists } from './commands/inspect-lists.ts';
import { addInspectPolicy } from './commands/inspect-policy.ts';
import { addInspectWorkload } from './commands/inspect-workload.ts';
import { addInspectZoneProxies } from './commands/inspect-zone-proxies.ts';
import { addLint } from './commands/lint.ts';
import { addMtls } from './commands/mtls.ts';
import { addPlannedCommands } from './commands/planned-commands.ts';
import { addRender } from './commands/render.ts';
import { addRollout } from './commands/rollout.ts';
import { addSupportBundle } from './commands/support-bundle.ts';
import { addToken } from './commands/token.ts';
import { addInstallTransparentProxy, addUninstallTransparentProxy } from './commands/transparent-proxy.ts';
import { addVersion } from './commands/version.ts';
import { examples } from './examples.ts';
import { CommandEnd, exitCodes } from './exit-codes.ts';
import { durationOrNone, outputOption } from './flags.ts';
import { type GlobalFlags, openSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and gives the exit code, one of `exitCodes`. Never throws. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const program = createProgram(terminal);
    await program.parseAsync(plainFlags(args, switchesOf(program)), { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof CommandEnd) {
      if (error.message !== '') terminal.printError(`${error.message}\n`);
      return error.exitCode;
    }
    terminal.printError(formatError(error));
    return exitCodes.failed;
  }
}

const usualHelp = new Help();

/** A switch that is given alone is on; commander's words for that read as if it were the default. */
function withoutPreset(option: Option): string {
  return usualHelp.optionDescription(option).replace(/ \(preset: "true"\)$/, '');
}

/** The tree with all commands; nothing runs yet. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('kumactl')
    .description('Manages the control planes, meshes, policies and proxies of Ursa')
    .option(
      '--api-timeout <duration>',
      'longest wait for an answer of the control plane; 0 waits for ever',
      durationOrNone,
      '1m',
    )
    .option('--config-file <file>', 'configuration file (default: ~/.kumactl/config)')
    .option('--context <name>', 'context to use instead of the active one')
    .addOption(
      new Option('--log-level <level>', 'debug prints each request').choices(['off', 'info', 'debug']).default('off'),
    )
    .option('--no-config', 'neither read nor write the configuration file: talk to http://localhost:5681')
    .option('-m, --mesh <name>', 'mesh to work in (default: that of the context, or "default")')
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ optionDescription: withoutPreset })
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.printError(withoutValues(text)),
    });
  let opened: Session | undefined;
  const session = (): Session => {
    opened ??= openSession(program.opts<GlobalFlags>(), terminal);
    return opened;
  };
  addApply(program, session);
  addGet(program, session);
  addDelete(program, session);
  addDiff(program, session);
  addExport(program, session);
  addRollout(program, session);
  addMtls(program, session);
  const inspect = program.command('inspect').description('Look at what the mesh makes of its configuration');
  handDownOutput(inspect);
  addInspectDataplanes(inspect, session);
  addInspectDataplane(inspect, session);
  addInspectLists(inspect, session);
  addInspectWorkload(inspect, session);
  addInspectZoneProxies(inspect, session);
  addInspectPolicy(inspect, session);
  addExplain(program, session);
  addLint(program, session);
  addRender(program, session);
  const generate = program.command('generate').description('Generate tokens, keys and certificates');
  addGenerateTokens(generate, session);
  addGenerateJoinCode(generate, session);
  addGenerateKeys(generate, session);
  addToken(program, session);
  addConfig(program, session);
  addSupportBundle(program, session);
  const install = program.command('install').description('Install parts of the mesh');
  addInstallTransparentProxy(install, session);
  const uninstall = program.command('uninstall').description('Uninstall parts of the mesh');
  addUninstallTransparentProxy(uninstall, session);
  addPlannedCommands({ install, uninstall, generate });
  addDemo(program, session);
  addCompletion(program, session);
  addVersion(program, session);
  completeTree(program, program);
  return program;
}

/** Flags without a value anywhere in the tree, as they are written; those that take one in another command are not among them. */
function switchesOf(program: Command): ReadonlySet<string> {
  const commands = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(commands)];
  const options = commands(program).flatMap(({ options }) => options);
  const spellings = ({ long, short }: Option): readonly string[] => [long, short].filter((name) => name !== undefined);
  const valued = new Set(options.filter(({ required, optional }) => required || optional).flatMap(spellings));
  return new Set(options.flatMap(spellings).filter((name) => !valued.has(name)));
}

/** `kumactl inspect -o json meshes` means the same as `kumactl inspect meshes -o json`. */
function handDownOutput(inspect: Command): void {
  inspect.addOption(outputOption()).hook('preAction', (_, acting) => {
    if (inspect.getOptionValueSource('output') === 'cli')
      acting.setOptionValueWithSource('output', inspect.getOptionValue('output'), 'cli');
  });
}

/** A mistyped flag may carry a secret: `--auth-cnf=token=…`. */
function withoutValues(text: string): string {
  return text.replace(/unknown option '(--[^'=]+)=[^']*'/g, "unknown option '$1'");
}

/**
 * Gives every command the global flags and its example: `kumactl get meshes --mesh x` means the same as `kumactl --mesh x get meshes`, as users
 * of the peer are used to.
 */
function completeTree(program: Command, command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(program);
    const own = new Set(child.options.map((option) => option.long));
    for (const option of program.options.filter(({ long }) => !own.has(long))) {
      child.addOption(option);
    }
    child.hook('preAction', (_, acting) => {
      for (const option of program.options) {
        const name = option.attributeName();
        if (acting.getOptionValueSource(name) === 'cli')
          program.setOptionValueWithSource(name, acting.getOptionValue(name), 'cli');
      }
    });
    const example = examples[commandPath(child)];
    if (example !== undefined) child.addHelpText('after', `\nExample:\n  ${example}`);
    completeTree(program, child);
  }
}

/** Names from below the program down to the command: `config control-planes add`. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let current = command; current.parent !== null; current = current.parent) names.unshift(current.name());
  return names.join(' ');
}

function formatError(error: unknown): string {
  if (!(error instanceof MeshError)) return `Error: ${error instanceof Error ? error.message : String(error)}\n`;
  const fields = error.violations
    .map(({ field, message }) => `* ${field === '' ? '' : `${field}: `}${message}\n`)
    .join('');
  return `Error: ${error.message}\n${fields}`;
}
