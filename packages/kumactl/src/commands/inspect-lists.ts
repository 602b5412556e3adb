// `kumactl inspect meshes|services|workloads|zones|control-planes|zoneingresses|zoneegresses`: how all of a kind fare, one line each.
import type { Command } from 'commander';
import { type OutputFormat, outputOption } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import type { Session } from '../session.ts';
import { formatAge, formatTable } from '../table.ts';
import { getWholeList } from '../whole-list.ts';
import { formatYaml } from '../yaml-output.ts';
import { connectionCells, connectionHeaders, isConnected } from './connection-state.ts';

/** A list that can be inspected. */
interface InspectedList {
  readonly command: string;
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
    headers: ['NAME', 'DATAPLANES', 'PARTIALLY DEGRADED', 'SERVICES', 'POLICIES', 'CERT BACKENDS', 'TRUSTED BACKENDS'],
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
    headers: ['SERVICE', 'TYPE', 'STATUS', 'DATAPLANES', 'ADDRESS'],
    row: (service) => [
      text(field(service, 'name')),
      text(field(service, 'serviceType')) || 'internal',
      statusWords[text(field(service, 'status'))] ?? 'Not available',
      shareOf(field(service, 'dataplanes')),
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
    headers: ['NAME', 'ENABLED', 'STATUS', ...connectionHeaders, 'ZONE-CP VERSION'],
    row: (zone, now) => {
      const insight = field(zone, 'zoneInsight');
      const version = listOf(insight, 'subscriptions').at(-1);
      return [
        text(field(zone, 'name')),
        field(zone, 'zone', 'enabled') === false ? 'off' : 'on',
        isConnected(insight) ? 'Online' : 'Offline',
        ...connectionCells(insight, now),
        text(field(version, 'version', 'kumaCp', 'version')) || '-',
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
  zoneProxyList('zoneingresses', 'zoneIngress', 'ingresses'),
  zoneProxyList('zoneegresses', 'zoneEgress', 'egresses'),
];

const statusWords: Readonly<Record<string, string>> = {
  online: 'Online',
  offline: 'Offline',
  partially_degraded: 'Partially degraded',
};

function zoneProxyList(path: string, name: string, what: string): InspectedList {
  return {
    command: path,
    description: `Show zone ${what} and their state`,
    path: () => `/${path}/_overview`,
    headers: ['ZONE', 'NAME', 'ADDRESS', 'STATUS', ...connectionHeaders, 'KUMA-DP VERSION', 'ENVOY VERSION'],
    row: (proxy, now) => {
      const insight = field(proxy, `${name}Insight`);
      const version = field(listOf(insight, 'subscriptions').at(-1), 'version');
      return [
        text(field(proxy, name, 'zone')) || '-',
        text(field(proxy, 'name')),
        addressOf(field(proxy, name, 'networking')),
        isConnected(insight) ? 'Online' : 'Offline',
        ...connectionCells(insight, now),
        text(field(version, 'kumaDp', 'version')) || '-',
        text(field(version, 'envoy', 'version')) || '-',
      ];
    },
  };
}

/** Adds the commands. */
export function addInspectLists(inspect: Command, session: () => Session): void {
  for (const { command, description, path, headers, row } of lists) {
    inspect
      .command(command)
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

/** `2/3`: online, of all. */
/** Certificate authorities with the proxies that have a certificate of them, or trust them: what a rotation waits for. */
function backendsOf(counts: unknown): string {
  const entries = Object.entries(counts ?? {}).map(([name, count]) => `${name} ${shareOf(count)}`);
  return entries.join(', ') || '-';
}

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

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
