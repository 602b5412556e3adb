// `kumactl lint`: judges files with the control plane's own schema, rules and engine, before anything is applied.
import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { countFindings, formatFinding } from '../findings-text.ts';
import { collectPairs, type Pair } from '../flags.ts';
import type { Session } from '../session.ts';
import { loadResourceTypes } from '../type-handles.ts';

interface LintFlags {
  readonly output: 'text' | 'json';
  readonly var: readonly Pair[];
}

/** Adds the command. */
export function addLint(program: Command, session: () => Session): void {
  program
    .command('lint')
    .description('Find what is wrong with resources in files, without a control plane')
    .argument('<place...>', 'files, folders, addresses, or - for standard input; all of them are one set of resources')
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(['text', 'json']).default('text'))
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .action(async (places: readonly string[], flags: LintFlags) => {
      const { terminal, mesh } = session();
      // The engine comes with all of Envoy's API: only what needs it loads it.
      const { lintDrafts } = await import('../offline/lint-drafts.ts');
      const { readDrafts } = await import('../offline/read-drafts.ts');
      const types = await loadResourceTypes();
      const findings = lintDrafts(types, await readDrafts(places, terminal, types, { mesh, variables: flags.var }));
      terminal.print(
        flags.output === 'json' ? `${JSON.stringify({ findings }, null, 2)}\n` : findings.map(formatFinding).join(''),
      );
      const bad = countFindings(findings);
      if (bad !== undefined) throw new MeshError('invalid', bad);
    });
}
