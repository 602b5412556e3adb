// Commands that users of the peer know and that are not here: each says what to do instead. Help does not list them.
import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';

const kubernetes = 'Kubernetes is not supported yet';

/** Below `install`. */
const installed: Readonly<Record<string, string>> = {
  'control-plane': `${kubernetes}; on a host, "kuma-cp run" starts a control plane`,
  crds: kubernetes,
  'gateway-api': kubernetes,
  gateway: kubernetes,
  demo: `${kubernetes}; "kumactl demo" runs a mesh with two services on this host`,
  observability: `${kubernetes}; docs/guide/collectors.md shows how to send metrics, traces and logs to collectors`,
  metrics: `${kubernetes}; docs/guide/metrics.md shows how to collect metrics`,
  tracing: `${kubernetes}; docs/guide/collectors.md shows how to send traces to a collector`,
  logging: `${kubernetes}; docs/guide/collectors.md shows how to send logs to a collector`,
};

const retiredTokens: Readonly<Record<string, string>> = {
  'zone-ingress-token': 'use "kumactl generate zone-token --zone NAME --scope ingress --valid-for DURATION"',
};

const uninstalled: Readonly<Record<string, string>> = {
  ebpf: 'traffic is redirected by iptables only; use "kumactl uninstall transparent-proxy"',
};

/** Adds them to their parents. Whatever flags are given, the error is `unsupported`. */
export function addPlannedCommands(parents: {
  readonly install: Command;
  readonly uninstall: Command;
  readonly generate: Command;
}): void {
  addAll(parents.install, installed);
  addAll(parents.uninstall, uninstalled);
  addAll(parents.generate, retiredTokens);
}

function addAll(parent: Command, commands: Readonly<Record<string, string>>): void {
  for (const [name, advice] of Object.entries(commands)) {
    parent
      .command(name, { hidden: true })
      .description(advice)
      .allowUnknownOption()
      .argument('[words...]')
      .action(() => {
        throw new MeshError('unsupported', `kumactl ${parent.name()} ${name}: ${advice}`);
      });
  }
}
