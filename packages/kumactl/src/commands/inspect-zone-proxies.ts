// `kumactl inspect zoneingress NAME` and `kumactl inspect zoneegress NAME`: what the Envoy of a zone proxy says of itself, and of an egress what the
// control plane gives it.
import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { outputOption } from '../flags.ts';
import type { Session } from '../session.ts';
import { formatYaml } from '../yaml-output.ts';
import { type EnvoyPageFlags, envoyPages, isEnvoyPage, readEnvoyPage } from './envoy-page.ts';

/** Adds both commands. */
export function addInspectZoneProxies(inspect: Command, session: () => Session): void {
  for (const [command, type, path, pages] of [
    ['zoneingress', 'ZoneIngress', 'zoneingresses', envoyPages],
    ['zoneegress', 'ZoneEgress', 'zoneegresses', [...envoyPages, 'config']],
  ] as const) {
    inspect
      .command(command)
      .description(`Show what the Envoy of a ${type} has${pages === envoyPages ? '' : ', or should have'}`)
      .argument('<name>', `name of the ${type}`)
      .addOption(new Option('--type <type>', 'what to show').choices(pages).default('config-dump'))
      .addOption(outputOption())
      .option('--include-eds', 'with --type config-dump: endpoints too', false)
      .action(async (name: string, flags: EnvoyPageFlags & { readonly type: string }) => {
        const current = session();
        const proxy = `/${path}/${encodeURIComponent(name)}`;
        current.terminal.print(
          isEnvoyPage(flags.type)
            ? await readEnvoyPage(current, proxy, flags.type, flags)
            : await readConfig(current, proxy, flags),
        );
      });
  }
}

/** What the control plane gives the proxy, whether its Envoy answers or not. Endpoints are always in it. */
async function readConfig(session: Session, proxy: string, flags: EnvoyPageFlags): Promise<string> {
  if (flags.includeEds)
    throw new MeshError('invalid', '--include-eds goes with --type config-dump; --type config always has endpoints');
  const config = await session.client().get(`${proxy}/_config`);
  return flags.output === 'yaml' ? formatYaml(config) : `${JSON.stringify(config, null, 2)}\n`;
}
