// `kumactl render`: the Envoy configuration that a proxy would get from resources in files.
import { MeshError, suggestionFor } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { autoReachableFlag, collectPairs, collectTexts, collectWords, type Pair } from '../flags.ts';
import type { Session } from '../session.ts';
import { loadResourceTypes } from '../type-handles.ts';
import { formatYaml } from '../yaml-output.ts';

const kinds = {
  all: '',
  listeners: 'listener',
  clusters: 'cluster',
  endpoints: 'endpoint',
  routes: 'route',
  secrets: 'secret',
};

interface RenderFlags {
  readonly file: readonly string[];
  readonly dataplane: string;
  readonly type: keyof typeof kinds;
  readonly output: 'yaml' | 'json';
  readonly feature: readonly string[];
  readonly autoReachableServices: boolean;
  readonly var: readonly Pair[];
}

/** Adds the command. */
export function addRender(program: Command, session: () => Session): void {
  program
    .command('render')
    .description(
      'Print the Envoy configuration that a proxy would get from resources in files, without a control plane',
    )
    .requiredOption(
      '-f, --file <place>',
      'file, folder, address, or - for standard input; may be repeated',
      collectTexts,
      [],
    )
    .requiredOption('--dataplane <name>', 'name of the Dataplane')
    .addOption(new Option('--type <type>', 'which resources to print').choices(Object.keys(kinds)).default('all'))
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(['yaml', 'json']).default('yaml'))
    .option(
      '--feature <names>',
      'features that the proxy announces, such as feature-unified-resource-naming',
      collectWords,
      [],
    )
    .option(...autoReachableFlag)
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .action(async (flags: RenderFlags) => {
      const { terminal, mesh } = session();
      const { feature, autoReachableServices } = flags;
      const { openOfflineMesh } = await import('../offline/offline-mesh.ts');
      const { readDrafts } = await import('../offline/read-drafts.ts');
      const { renderConfig } = await import('../offline/render-config.ts');
      const types = await loadResourceTypes();
      const { drafts, findings } = await readDrafts(flags.file, terminal, types, { mesh, variables: flags.var });
      const invalid = findings.filter(({ code }) => code === 'invalid');
      if (invalid.length > 0) {
        const lines = invalid.map(({ place, message }) => `${place?.file}:${place?.line}:${place?.column}: ${message}`);
        throw new MeshError('invalid', `nothing was rendered:\n${lines.join('\n')}`);
      }
      const { engine, proxyKeys } = openOfflineMesh(types, drafts, { features: feature, autoReachableServices });
      const config = engine.config.get(`${mesh}/${flags.dataplane}`);
      if (config === undefined) {
        const names = proxyKeys.filter((key) => key.startsWith(`${mesh}/`)).map((key) => key.slice(mesh.length + 1));
        throw new MeshError(
          'not-found',
          `--dataplane: the files hold no Dataplane ${JSON.stringify(flags.dataplane)} with its Mesh ${JSON.stringify(mesh)}; ${suggestionFor(flags.dataplane, names)}`,
        );
      }
      for (const { message } of config.warnings) terminal.printError(`Warning: ${message}\n`);
      const shown = renderConfig(config, kinds[flags.type]);
      terminal.print(flags.output === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : formatYaml(shown));
    });
}
