// `kumactl inspect workload NAME`: the proxies that belong to a workload, and their state.
import type { Command } from 'commander';
import { type OutputFormat, outputOption } from '../flags.ts';
import type { Session } from '../session.ts';
import { getWholeList } from '../whole-list.ts';
import { formatOverviews } from './inspect-dataplanes.ts';

/** Adds `inspect workload`. */
export function addInspectWorkload(inspect: Command, session: () => Session): void {
  inspect
    .command('workload')
    .alias('wl')
    .description('Show the data plane proxies of one workload and their state')
    .argument('<name>', 'name of the Workload: the value of the label kuma.io/workload')
    .addOption(outputOption())
    .action(async (name: string, { output }: { readonly output: OutputFormat }) => {
      const current = session();
      const client = current.client();
      const mesh = `/meshes/${encodeURIComponent(current.mesh)}`;
      // A list of nothing would not tell a workload that is not there from one without proxies.
      await client.get(`${mesh}/workloads/${encodeURIComponent(name)}`);
      const query = new URLSearchParams({ 'filter[labels.kuma.io/workload]': name });
      const overviews = await getWholeList(client, `${mesh}/dataplanes/_overview?${query}`);
      current.terminal.print(formatOverviews(overviews, output, current.terminal.now()));
    });
}
