// `kumactl lint`: judges files with the control plane's own schema, rules and engine, before anything is applied; with --against, among what a
// control plane has.
import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { countFindings, formatFinding } from '../findings-text.ts';
import { autoReachableFlag, collectPairs, collectTexts, type Pair } from '../flags.ts';
import type { Session } from '../session.ts';
import { loadResourceTypes } from '../type-handles.ts';

interface LintFlags {
  readonly file: readonly string[];
  readonly against?: string;
  readonly output: 'text' | 'json';
  readonly autoReachableServices: boolean;
  readonly var: readonly Pair[];
}

/** Adds the command. */
export function addLint(program: Command, session: () => Session): void {
  program
    .command('lint')
    .description('Find what is wrong with resources in files, by themselves or among those of a control plane')
    .argument('[place...]', 'files, folders, addresses, or - for standard input; all of them are one set of resources')
    .option(
      '-f, --file <place>',
      'one more such place, as for apply, diff and render; may be repeated',
      collectTexts,
      [],
    )
    .option(
      '--against <control plane>',
      'judge the files as if they were applied: `server` for the control plane in use, or the name of a context',
    )
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(['text', 'json']).default('text'))
    .option(...autoReachableFlag)
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .action(async (named: readonly string[], flags: LintFlags, command: Command) => {
      const places = [...named, ...flags.file];
      if (places.length === 0) command.error('error: nothing to judge: name a file, a folder, an address or -');
      const current = session();
      const { terminal, mesh } = current;
      // The engine comes with all of Envoy's API: only what needs it loads it.
      const { lintDrafts } = await import('../offline/lint-drafts.ts');
      const { readDrafts } = await import('../offline/read-drafts.ts');
      const { readStored } = await import('../offline/server-drafts.ts');
      const types = await loadResourceTypes();
      const files = await readDrafts(places, terminal, types, { mesh, variables: flags.var });
      const { against } = flags;
      const stored =
        against === undefined
          ? undefined
          : await readStored(
              current.client(against === 'server' ? undefined : against),
              types,
              [...new Set(files.drafts.map((draft) => (draft.type === 'Mesh' ? draft.name : draft.mesh)))].sort(),
            );
      const autoReachableServices = flags.autoReachableServices || stored?.autoReachableServices === true;
      const findings = lintDrafts(types, files, stored, { ...stored, autoReachableServices });
      terminal.print(
        flags.output === 'json' ? `${JSON.stringify({ findings }, null, 2)}\n` : findings.map(formatFinding).join(''),
      );
      const bad = countFindings(findings);
      if (bad !== undefined) throw new MeshError('invalid', bad);
    });
}
