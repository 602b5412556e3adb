// The command line of kuma-dp: run, exec, join, wait, version. Flags and their help come from the settings.
import { openSync, readFileSync, writeSync } from 'node:fs';
import { formatDuration, MeshError, parseDuration, plainFlags } from '@ursa/resources';
import { Command, Help, InvalidArgumentError, Option } from 'commander';
import { envoyVersion } from './envoy/release.ts';
import { createLog, type Log, type LogFormat, type LogLevel, logLevels } from './log.ts';
import { runDataPlane } from './run-data-plane.ts';
import { definitions, type SettingName } from './settings/definitions.ts';
import { readSettings } from './settings/read-settings.ts';
import type { Setting } from './settings/setting.ts';
import { version } from './version.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** The process around the command line. */
export interface CommandLine {
  readonly environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly stopSignal: AbortSignal;
  readonly hurrySignal: AbortSignal;
}

const runtime = process.versions.bun === undefined ? `Node.js ${process.versions.node}` : `Bun ${process.versions.bun}`;

const standardInput = 0;

/** Flags without a value; those of the settings may be given one. */
const switches: ReadonlySet<string> = new Set(['-a', '--detailed']);

interface LogFlags {
  readonly logLevel: LogLevel;
  readonly logFormat?: LogFormat;
  readonly logOutputPath?: string;
}

/** Runs one command. Gives the exit code; errors are printed, not thrown. */
export async function runCommandLine(args: readonly string[], process: CommandLine): Promise<number> {
  let exitCode = 0;
  const program = new Command('kuma-dp')
    .description('Runs a data plane proxy: Envoy, configured by the control plane.')
    .exitOverride()
    .configureOutput({ writeOut: process.write, writeErr: process.writeError })
    .configureHelp({ optionDescription: withoutPreset })
    .addOption(new Option('--log-level <level>', 'how much to log').choices(logLevels).default('info'))
    .addOption(new Option('--log-format <format>', 'how log lines look; text on a terminal').choices(['json', 'text']))
    .option('--log-output-path <file>', 'log to this file instead of the standard output; it is only appended to')
    .option('--log-max-size <megabytes>', 'has no effect: let the system rotate the file')
    .option('--log-max-age <days>', 'has no effect: let the system rotate the file')
    .option('--log-max-retained-files <number>', 'has no effect: let the system rotate the file');
  const logOf = (toTerminal = process.write): { log: Log; level: LogLevel } => {
    const { logLevel, logFormat, logOutputPath } = program.opts<LogFlags>();
    const format = logFormat ?? (process.isTerminal && logOutputPath === undefined ? 'text' : 'json');
    const write = logOutputPath === undefined ? toTerminal : openLogFile(logOutputPath);
    return { level: logLevel, log: createLog({ level: logLevel, format, write }) };
  };
  const runOptions = (flags: SettingFlags, write = process.write) => {
    const { log, level } = logOf(write);
    return { ...process, ...readSettings(flags, process.environment), log, logLevel: level };
  };
  addProxyFlags(
    program.command('run').description('Run Envoy for one proxy of the mesh, until SIGTERM drains it.'),
    async (flags) => {
      exitCode = await runDataPlane(runOptions(flags));
    },
  );
  const exec = program
    .command('exec')
    .description(
      'Run an application behind its proxy: it starts when Envoy serves, ends after the drain, and its exit code is that of kuma-dp.',
    )
    .usage('[options] -- <program> [arguments...]')
    .argument('<program>', 'the application, found by PATH')
    .argument('[arguments...]', 'given to it as they are');
  addProxyFlags(exec, async (flags, [application, ...args]) => {
    // The standard output is the application's.
    if (application !== undefined)
      exitCode = await runDataPlane({ ...runOptions(flags, process.writeError), application: [application, ...args] });
  });
  const join = program
    .command('join')
    .description(
      'Become part of a mesh with a code of "kumactl generate join-code", then run like "run", or like "exec" with a program. The code is good once; started again, the proxy goes on with what it got.',
    )
    .usage('[options] <code> [-- <program> [arguments...]]')
    .argument('<code>', 'the code; - reads it from the standard input, where nobody else on this host can see it')
    .argument('[program]', 'an application to run behind the proxy')
    .argument('[arguments...]', 'given to it as they are');
  addProxyFlags(join, async (flags, [code = '', application, ...args]) => {
    const joinCode = code === '-' ? readFileSync(standardInput, 'utf8') : code;
    const options = { ...runOptions(flags, application === undefined ? process.write : process.writeError), joinCode };
    exitCode = await runDataPlane(
      application === undefined ? options : { ...options, application: [application, ...args] },
    );
  });
  addWait(program, logOf);
  program
    .command('version')
    .description('Print the version.')
    .option('-a, --detailed', 'also the Envoy it is made for and what it runs on')
    .action(({ detailed }: { readonly detailed?: boolean }) => {
      process.write(`Ursa: ${version}\n`);
      if (detailed === true) process.write(`Envoy: ${envoyVersion}\nRuntime: ${runtime}\n`);
    });
  try {
    await program.parseAsync([...plainFlags(args, switches)], { from: 'user' });
    return exitCode;
  } catch (cause) {
    return exitCodeOf(cause, process);
  }
}

const usualHelp = new Help();

/** A switch that is given alone is on; commander's words for that read as if it were the default. */
function withoutPreset(option: Option): string {
  return usualHelp.optionDescription(option).replace(/ \(preset: "true"\)$/, '');
}

type SettingFlags = ReadonlyMap<SettingName, readonly string[]>;

/** Gives a command the flags of all settings. `action` gets them, and the command's arguments. */
function addProxyFlags(
  command: Command,
  action: (flags: SettingFlags, args: readonly string[]) => Promise<void>,
): void {
  const flags = new Map<SettingName, readonly string[]>();
  for (const [name, setting] of Object.entries(definitions) as [SettingName, Setting<unknown>][]) {
    if (setting.flag === undefined) continue;
    const short = setting.short === undefined ? '' : `-${setting.short}, `;
    const value = setting.placeholder === undefined ? '[true|false]' : `<${setting.placeholder}>`;
    command.addOption(
      new Option(`${short}--${setting.flag} ${value}`, `${setting.help}${describeInitial(setting)} [${setting.env}]`)
        .preset('true')
        .argParser((text: string) => {
          flags.set(name, [...(flags.get(name) ?? []), text]);
          return text;
        }),
    );
  }
  command.action(() => action(flags, command.args));
}

function addWait(program: Command, logOf: () => { log: Log }): void {
  const duration = (text: string): number => {
    const milliseconds = parseDuration(text);
    if (milliseconds === undefined || milliseconds <= 0)
      throw new InvalidArgumentError('expected a positive duration such as 30s');
    return milliseconds;
  };
  program
    .command('wait')
    .description('Wait until the proxy of this host is ready.')
    .option('--url <url>', 'what to ask', 'http://localhost:9901/ready')
    .option('--unix-socket <path>', 'ask through this Unix socket instead of TCP', '')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(180_000, '3m'))
    .addOption(
      new Option('--check-frequency <duration>', 'pause between checks').argParser(duration).default(1000, '1s'),
    )
    .addOption(
      new Option('--request-timeout <duration>', 'how long one check may take')
        .argParser(duration)
        .default(500, '500ms'),
    )
    .action(
      async (flags: {
        url: string;
        unixSocket: string;
        timeout: number;
        checkFrequency: number;
        requestTimeout: number;
      }) => {
        await waitUntilReady({ ...flags, log: logOf().log });
      },
    );
}

/** Appends to a file, line by line: what was written is there when the process is killed. */
function openLogFile(path: string): (line: string) => void {
  try {
    const file = openSync(path, 'a', 0o600);
    return (line) => void writeSync(file, line);
  } catch (cause) {
    throw new MeshError('invalid', `--log-output-path: ${path} cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function describeInitial(setting: Setting<unknown>): string {
  if (setting.placeholder === 'duration') return ` (default ${formatDuration(Number(setting.initial))})`;
  return typeof setting.initial === 'string' && setting.initial !== ''
    ? ` (default ${setting.initial})`
    : setting.initial === true
      ? ' (default true)'
      : '';
}

/** Commander prints its own errors; ours are one `kuma-dp: …` line a violation. */
function exitCodeOf(cause: unknown, process: CommandLine): number {
  if (cause instanceof Error && 'exitCode' in cause && typeof cause.exitCode === 'number') return cause.exitCode;
  const text =
    cause instanceof MeshError
      ? cause.message
      : `${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`;
  for (const line of text.split('\n')) process.writeError(`kuma-dp: ${line}\n`);
  return 1;
}
