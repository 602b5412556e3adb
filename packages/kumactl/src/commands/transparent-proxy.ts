// `kumactl install transparent-proxy` and `kumactl uninstall transparent-proxy`: their flags. Flags of the configuration come from its fields.
import { formatDuration, MeshError } from '@ursa/resources';
import {
  type ConfigField,
  type ConfigLayer,
  type ConfigName,
  configFields,
  environmentPrefix,
  mergeConfig,
  readConfigEnvironment,
  readConfigFlags,
  readConfigText,
} from '@ursa/transparent-proxy';
import { type Command, Option } from 'commander';
import { collectWords } from '../flags.ts';
import { readNamedFile } from '../named-files.ts';
import type { Session } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { openHost } from '../transparent-proxy/host.ts';
import { installTransparentProxy } from '../transparent-proxy/install.ts';
import { uninstallTransparentProxy } from '../transparent-proxy/uninstall.ts';

const uninstallFlags: ReadonlySet<ConfigName> = new Set(['ebpfEnabled', 'ebpfFilesystem', 'dryRun', 'verbose']);

interface OwnFlags {
  /** False with the global `--no-config`. */
  readonly config?: readonly string[] | false;
  readonly configFile?: string;
  readonly redirectSsh?: string;
}

type GivenFlags = Map<ConfigName, readonly string[]>;

/** Adds `install transparent-proxy`. */
export function addInstallTransparentProxy(install: Command, session: () => Session): void {
  const given: GivenFlags = new Map();
  const command = install
    .command('transparent-proxy')
    .description('Redirect the traffic of this host to its proxy, by rules of iptables')
    .addOption(
      configOption(
        'configuration as YAML or JSON: in itself, from files with commas between them, or - for standard input; repeatable, later ones win',
      ),
    );
  for (const [name, field] of fieldEntries()) addFieldOption(command, name, field, given);
  command
    .addOption(new Option('--redirect-ssh [true|false]', 'redirect the port of the SSH server too').preset('true'))
    .addOption(
      new Option('--kuma-dp-uid <uid>', 'older name of --kuma-dp-user')
        .argParser(collector(given, 'kumaDpUser'))
        .hideHelp(),
    )
    .addOption(new Option('--config-file <file>', 'older name of --config').hideHelp())
    .action(async (own: OwnFlags, { parent }: Command) => {
      const { terminal } = session();
      // The global flag of the same name takes the value, wherever it stands; this command has no use for kumactl's own configuration.
      const { configFile = own.configFile } = parent?.optsWithGlobals<{ configFile?: string }>() ?? {};
      const flags = { ...own, ...(configFile === undefined ? {} : { configFile }) };
      await installTransparentProxy({
        host: terminal.host ?? openHost(),
        config: mergeConfig([...(await readLayers(flags, terminal)), readInstallFlags(given)]),
        sshConnection: terminal.env.SSH_CONNECTION,
        redirectSsh: flags.redirectSsh !== undefined && flags.redirectSsh !== 'false',
        ...outputOf(terminal),
      });
    });
}

/** Adds `uninstall transparent-proxy`. */
export function addUninstallTransparentProxy(uninstall: Command, session: () => Session): void {
  const given: GivenFlags = new Map();
  const command = uninstall
    .command('transparent-proxy')
    .description('Take away all rules that redirect the traffic of this host, and nothing else')
    .addOption(configOption('the configuration it was installed with; needed only when that was without comments'));
  for (const [name, field] of fieldEntries()) if (uninstallFlags.has(name)) addFieldOption(command, name, field, given);
  command.action(async (flags: OwnFlags) => {
    const { terminal } = session();
    const layers = await readLayers(flags, terminal);
    const config = mergeConfig([...layers, readConfigFlags(given)]);
    if (config.ebpfEnabled)
      throw new MeshError('unsupported', '--ebpf-enabled: traffic is redirected by iptables only; leave it out');
    await uninstallTransparentProxy({
      ...{ host: terminal.host ?? openHost(), config, ...outputOf(terminal) },
      configGiven: layers.some((layer) => Object.keys(layer).length > 0),
    });
  });
}

function fieldEntries(): readonly (readonly [ConfigName, ConfigField<unknown>])[] {
  return Object.entries(configFields) as never;
}

function configOption(help: string): Option {
  return new Option('--config <file>', help).argParser((text: string, given: unknown) => {
    const before: readonly string[] = Array.isArray(given) ? given : [];
    return isContent(text) ? [...before, text] : collectWords(text, before);
  });
}

/** Whether a value is the configuration itself: an object, or lines with `field: value`. */
function isContent(text: string): boolean {
  return text.trimStart().startsWith('{') || /^\s*[A-Za-z]+:(\s|$)/.test(text);
}

function addFieldOption(command: Command, name: ConfigName, field: ConfigField<unknown>, given: GivenFlags): void {
  if (field.flag === undefined) return;
  const value = field.placeholder === undefined ? '[true|false]' : `<${field.placeholder}>`;
  const { initial } = field;
  const shown = field.placeholder === 'duration' ? formatDuration(Number(initial)) : initial;
  const isPlain = (typeof shown === 'string' && shown !== '') || typeof shown === 'number' || shown === true;
  const help = `${field.help}${isPlain ? ` (default ${shown})` : ''} [${environmentPrefix}${field.env}]`;
  const option = new Option(`--${field.flag} ${value}`, help).argParser(collector(given, name));
  command.addOption(field.placeholder === undefined ? option.preset('true') : option);
}

function collector(given: GivenFlags, name: ConfigName): (text: string) => string {
  return (text) => {
    given.set(name, [...(given.get(name) ?? []), text]);
    return text;
  };
}

function readInstallFlags(given: GivenFlags): ConfigLayer {
  const layer = readConfigFlags(given);
  if (layer.dnsCaptureAll !== true || !given.has('dnsCaptureAll')) return layer;
  if (layer.dnsEnabled === true)
    throw new MeshError('invalid', "only one of '--redirect-dns' or '--redirect-all-dns-traffic' should be specified");
  return { ...layer, dnsEnabled: true };
}

/** Files in their order, then the environment. */
async function readLayers({ config, configFile }: OwnFlags, terminal: Terminal): Promise<readonly ConfigLayer[]> {
  const files = [...(configFile === undefined ? [] : [configFile]), ...(Array.isArray(config) ? config : [])];
  const layers: ConfigLayer[] = [];
  for (const file of files) {
    if (isContent(file)) {
      // In double quotes, a shell leaves \n as it is, and users mean the end of a line.
      layers.push(readConfigText(file.replaceAll('\\n', '\n'), '--config'));
      continue;
    }
    const text = file === '-' ? await terminal.readInput() : readNamedFile('--config', file).toString('utf8');
    layers.push(readConfigText(text, file === '-' ? 'stdin' : file));
  }
  return [...layers, readConfigEnvironment(terminal.env)];
}

function outputOf(terminal: Terminal) {
  return {
    print: (text: string) => terminal.print(text),
    warn: (line: string) => terminal.printError(`# [WARNING] ${line}\n`),
  };
}
