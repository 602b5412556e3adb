// `kumactl inspect meshes|services|workloads|zones|control-planes|zoneingresses|zoneegresses`: how all of a kind fare, one line each.
import type { Command } from 'commander';
import { type OutputFormat, outputOption } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import type { Session } from '../session.ts';
import { formatAge, formatTable } from '../table.ts';
import { getWholeList } from '../whole-list.ts';
import { formatYaml } from '../yaml-output.ts';
import { connectionCells, connectionHeaders, isConnected } from './connection-state.ts';

/** A list that can be inspected. Scripts count columns: those of the peer come first, in its order, and our own behind them. */
interface InspectedList {
  readonly command: string;
  /** An older name of the command. */
  readonly alias?: string;
  readonly description: string;
  readonly path: (mesh: string) => string;
  readonly headers: readonly string[];
  readonly row: (item: unknown, now: number) => readonly string[];
}

const lists: readonly InspectedList[] = [
  {
    command: 'meshes',
    description: 'Show meshes: how many proxies, services and policies they have',
    path: () => '/mesh-insights',
    headers: ['MESH', 'DATAPLANES', 'PARTIALLY DEGRADED', 'SERVICES', 'POLICIES', 'CERT BACKENDS', 'TRUSTED BACKENDS'],
    row: (mesh) => [
      text(field(mesh, 'name')),
      shareOf(field(mesh, 'dataplanes')),
      String(field(mesh, 'dataplanes', 'partiallyDegraded') ?? 0),
      String(field(mesh, 'services', 'total') ?? 0),
      policiesOf(mesh),
      backendsOf(field(mesh, 'mTLS', 'issuedBackends')),
      backendsOf(field(mesh, 'mTLS', 'supportedBackends')),
    ],
  },
  {
    command: 'services',
    description: 'Show the services of a mesh and how many of their proxies are online',
    path: (mesh) => `/meshes/${encodeURIComponent(mesh)}/service-insights`,
    headers: ['SERVICE', 'STATUS', 'DATAPLANES', 'TYPE', 'ADDRESS'],
    row: (service) => [
      text(field(service, 'name')),
      statusWords[text(field(service, 'status'))] ?? 'Not available',
      shareOf(field(service, 'dataplanes')),
      text(field(service, 'serviceType')) || 'internal',
      text(field(service, 'addressPort')) || '-',
    ],
  },
  {
    command: 'workloads',
    description: 'Show the workloads of a mesh and how many of their proxies are connected and healthy',
    path: (mesh) => `/meshes/${encodeURIComponent(mesh)}/workloads`,
    headers: ['WORKLOAD', 'CONNECTED', 'HEALTHY', 'TOTAL', 'AGE'],
    row: (workload, now) => [
      text(field(workload, 'name')),
      ...['connected', 'healthy', 'total'].map((count) =>
        String(field(workload, 'status', 'dataplaneProxies', count) ?? 0),
      ),
      formatAge(text(field(workload, 'creationTime')), now),
    ],
  },
  {
    command: 'zones',
    description: 'Show zones and their connection to the global control plane',
    path: () => '/zones/_overview',
    headers: ['NAME', 'STATUS', ...connectionHeaders, 'ZONE-CP VERSION', 'BACKEND', 'ENABLED'],
    row: (zone, now) => {
      const insight = field(zone, 'zoneInsight');
      const newest = listOf(insight, 'subscriptions').at(-1);
      const isEnabled = field(zone, 'zone', 'enabled') !== false;
      return [
        text(field(zone, 'name')),
        isConnected(insight) && isEnabled ? 'Online' : 'Offline',
        ...connectionCells(insight, now),
        text(field(newest, 'version', 'kumaCp', 'version')) || '-',
        storeOf(field(newest, 'config')),
        isEnabled ? 'on' : 'off',
      ];
    },
  },
  {
    command: 'control-planes',
    description: 'Show the instances of the control plane: who leads, and how many proxies each has',
    path: () => '/_instances',
    headers: ['INSTANCE', 'STATUS', 'LEADER', 'DATAPLANES', 'ADDRESS', 'VERSION', 'STARTED AGO', 'LAST SEEN AGO'],
    row: (instance, now) => [
      text(field(instance, 'id')),
      text(field(instance, 'status')),
      field(instance, 'leader') === true ? 'yes' : 'no',
      String(field(instance, 'proxies') ?? 0),
      text(field(instance, 'address')),
      text(field(instance, 'version')),
      formatAge(text(field(instance, 'startTime')), now),
      formatAge(text(field(instance, 'lastSeen')), now),
    ],
  },
  zoneProxyList('zoneingresses', 'zone-ingresses', 'zoneIngress', 'ingresses'),
  zoneProxyList('zoneegresses', 'zone-egresses', 'zoneEgress', 'egresses'),
];

const statusWords: Readonly<Record<string, string>> = {
  online: 'Online',
  offline: 'Offline',
  partially_degraded: 'Partially degraded',
};

function zoneProxyList(path: string, alias: string, name: string, what: string): InspectedList {
  return {
    command: path,
    alias,
    description: `Show zone ${what} and their state`,
    path: () => `/${path}/_overview`,
    headers: ['NAME', 'STATUS', ...connectionHeaders, 'KUMA-DP VERSION', 'ENVOY VERSION', 'ZONE', 'ADDRESS'],
    row: (proxy, now) => {
      const insight = field(proxy, `${name}Insight`);
      const version = field(listOf(insight, 'subscriptions').at(-1), 'version');
      return [
        text(field(proxy, 'name')),
        isConnected(insight) ? 'Online' : 'Offline',
        ...connectionCells(insight, now),
        text(field(version, 'kumaDp', 'version')) || '-',
        text(field(version, 'envoy', 'version')) || '-',
        text(field(proxy, name, 'zone')) || '-',
        addressOf(field(proxy, name, 'networking')),
      ];
    },
  };
}

/** Adds the commands. */
export function addInspectLists(inspect: Command, session: () => Session): void {
  for (const { command, alias, description, path, headers, row } of lists) {
    inspect
      .command(command)
      .aliases(alias === undefined ? [] : [alias])
      .description(description)
      .addOption(outputOption())
      .action(async ({ output }: { readonly output: OutputFormat }) => {
        const current = session();
        const answer = await getWholeList(current.client(), path(current.mesh));
        const now = current.terminal.now();
        if (output === 'json') current.terminal.print(`${JSON.stringify(answer, null, 2)}\n`);
        else if (output === 'yaml') current.terminal.print(formatYaml(answer));
        else
          current.terminal.print(
            formatTable(
              headers,
              listOf(answer, 'items').map((item) => row(item, now)),
            ),
          );
      });
  }
}

/** Certificate authorities with the proxies that have a certificate of them, or trust them: what a rotation waits for. */
function backendsOf(counts: unknown): string {
  const entries = Object.entries(counts ?? {}).map(([name, count]) => `${name} ${shareOf(count)}`);
  return entries.join(', ') || '-';
}

/** `2/3`: online, of all. */
function shareOf(dataplanes: unknown): string {
  if (dataplanes === undefined) return '-';
  return `${field(dataplanes, 'online') ?? 0}/${field(dataplanes, 'total') ?? 0}`;
}

function policiesOf(mesh: unknown): string {
  const totals = Object.values(field(mesh, 'policies') ?? {});
  return String(totals.reduce<number>((sum, entry) => sum + Number(field(entry, 'total') ?? 0), 0));
}

function addressOf(networking: unknown): string {
  const address = text(field(networking, 'advertisedAddress')) || text(field(networking, 'address'));
  const port = field(networking, 'advertisedPort') ?? field(networking, 'port');
  return port === undefined ? address || '-' : `${address}:${port}`;
}

/** The store of a zone's control plane, from the settings that it sent as JSON. */
function storeOf(config: unknown): string {
  if (typeof config !== 'string' || config === '') return '-';
  try {
    return text(field(JSON.parse(config), 'store', 'type')) || '-';
  } catch {
    return '-';
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
