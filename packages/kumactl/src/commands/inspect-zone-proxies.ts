// `kumactl inspect zoneingress NAME` and `kumactl inspect zoneegress NAME`: what the Envoy of a zone proxy says of itself.
import { type Command, Option } from 'commander';
import { outputOption } from '../flags.ts';
import type { Session } from '../session.ts';
import { type EnvoyPage, type EnvoyPageFlags, envoyPages, readEnvoyPage } from './envoy-page.ts';

/** Adds both commands. */
export function addInspectZoneProxies(inspect: Command, session: () => Session): void {
  for (const [command, type, path] of [
    ['zoneingress', 'ZoneIngress', 'zoneingresses'],
    ['zoneegress', 'ZoneEgress', 'zoneegresses'],
  ] as const) {
    inspect
      .command(command)
      .description(`Show what the Envoy of a ${type} has`)
      .argument('<name>', `name of the ${type}`)
      .addOption(new Option('--type <type>', 'what to show').choices(envoyPages).default('config-dump'))
      .addOption(outputOption())
      .option('--include-eds', 'with --type config-dump: endpoints too', false)
      .action(async (name: string, flags: EnvoyPageFlags & { readonly type: EnvoyPage }) => {
        const current = session();
        const proxy = `/${path}/${encodeURIComponent(name)}`;
        current.terminal.print(await readEnvoyPage(current, proxy, flags.type, flags));
      });
  }
}
