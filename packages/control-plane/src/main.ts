// kuma-cp: the command line of the control plane.
import { readFileSync } from 'node:fs';
import { MeshError, plainFlags } from '@ursa/resources';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadSettings } from './config/load-settings.ts';
import type { LogLevel, LogOutput } from './log.ts';
import { isLogLevel, logLevels, openLog } from './log.ts';
import { openLogFile } from './log-file.ts';
import { textOutput } from './log-text.ts';
import { type MigrationDirection, migrateStore } from './migrate-store.ts';
import { runControlPlane } from './run-control-plane.ts';
import { buildInfo } from './version.ts';
import { superviseWorkers } from './workers/supervise.ts';
import { workerNumber } from './workers/worker.ts';

interface RunOptions {
  readonly configFile?: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
  readonly logOutputPath?: string;
  readonly logMaxSize: number;
  readonly logMaxAge: number;
  readonly logMaxRetainedFiles: number;
  readonly workers?: number;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function readSettings(file: string | undefined) {
  if (file === undefined) return loadSettings({ env: process.env });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MeshError('invalid', `-c: cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  return loadSettings({ env: process.env, file: { name: file, text } });
}

function outputOf(options: RunOptions): LogOutput {
  const megabyte = 1024 * 1024;
  // Whoever read the log may go away; the control plane goes on without.
  process.stdout.on('error', () => undefined);
  return options.logOutputPath === undefined
    ? { write: (line: string) => void process.stdout.write(line) }
    : openLogFile(options.logOutputPath, {
        maxBytes: options.logMaxSize * megabyte,
        maxAgeDays: options.logMaxAge,
        maxRetainedFiles: options.logMaxRetainedFiles,
      });
}

/** Lines of a worker say which one it is. */
function openLogOf(options: RunOptions, output: LogOutput, worker?: number) {
  return openLog(options.logLevel, options.logFormat === 'text' ? textOutput(output) : output, worker);
}

async function run(options: RunOptions): Promise<void> {
  const { settings: read, warnings } = readSettings(options.configFile);
  const { workers = read.general.workers } = options;
  const settings = { ...read, general: { ...read.general, workers } };
  const worker = workerNumber(process.env);
  const output = outputOf(options);
  const log = openLogOf(options, output, worker);
  // Once is enough.
  if ((worker ?? 1) === 1) for (const warning of warnings) log.component('config').warn(warning);
  if (workers > 1 && worker === undefined) {
    const { configFile, logLevel, logFormat } = options;
    const args = ['run', '--workers', String(workers), '--log-level', logLevel, '--log-format', logFormat];
    if (configFile !== undefined) args.push('--config-file', configFile);
    await superviseWorkers({ settings, log, output, args });
  } else await runControlPlane(settings, log);
}

// Options of the log stand at the root: users of the peer write them before the command, too.
const program = new Command('kuma-cp')
  .description('The control plane of the mesh.')
  .configureHelp({ showGlobalOptions: true })
  .addOption(
    new Option('--log-level <level>', 'how much is logged').choices(logLevels.filter(isLogLevel)).default('info'),
  )
  .addOption(new Option('--log-format <format>', 'how lines look').choices(['json', 'text']).default('json'))
  .option('--log-output-path <file>', 'log to this file instead of the standard output')
  .option('--log-max-size <megabytes>', 'size from which on the log file is started anew', wholeNumber, 100)
  .option('--log-max-age <days>', 'age from which on old log files are removed', wholeNumber, 30)
  .option('--log-max-retained-files <number>', 'old log files kept at most', wholeNumber, 1000);

program
  .command('run', { isDefault: false })
  .description(
    'Runs the control plane. Settings come from the file of -c and from KUMA_* in the environment, which wins.',
  )
  .option('-c, --config-file <file>', 'settings in YAML')
  .option('--workers <number>', 'processes that share the ports; more than one needs the PostgreSQL store', wholeNumber)
  .action((_, command: Command) => run(command.optsWithGlobals<RunOptions>()));

const migrate = program.command('migrate').description('Changes of the store between versions.');

function addMigration(direction: MigrationDirection, description: string): void {
  migrate
    .command(direction)
    .description(description)
    .option('-c, --config-file <file>', 'settings in YAML')
    .action(async ({ configFile }: { readonly configFile?: string }) => {
      const { settings } = readSettings(configFile);
      console.log(await migrateStore(settings, direction));
    });
}

addMigration('up', 'Brings the store to the form this version needs. Doing it again changes nothing.');
addMigration('down', 'Takes the newest step back, for a control plane of the version before.');

program
  .command('version')
  .description('Prints the version.')
  .option('-a, --detailed', 'also what it runs on')
  .action(({ detailed }: { readonly detailed?: boolean }) => {
    console.log(`${buildInfo.product}: ${buildInfo.version}`);
    if (detailed === true) console.log(`Runtime: ${buildInfo.runtime}\nEnvoy API: ${buildInfo.envoy}`);
  });

// Not awaited: the executable carries its byte code, which does not go with a top-level await.
program
  .parseAsync(plainFlags(process.argv.slice(2), new Set(['-a', '--detailed'])), { from: 'user' })
  .catch((error: unknown) => {
    const text =
      error instanceof MeshError ? error.message : error instanceof Error ? (error.stack ?? error.message) : error;
    process.stderr.write(`kuma-cp: ${text}\n`);
    process.exitCode = 1;
  });
