// `kumactl inspect dataplanes`: every proxy, whether it is connected, and what its Envoy accepted or refused.
import { type DataplaneInbound, isInboundReady } from '@ursa/resources';
import type { Command } from 'commander';
import { collectPairs, type OutputFormat, outputOption, type Pair } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import { dataplaneTags } from '../resource-table.ts';
import type { Session } from '../session.ts';
import { formatAge, formatTable } from '../table.ts';
import { getWholeList } from '../whole-list.ts';
import { formatYaml } from '../yaml-output.ts';
import { connectionCells, connectionHeaders, isConnected } from './connection-state.ts';

interface InspectFlags {
  readonly output: OutputFormat;
  readonly gateway: boolean;
  readonly ingress: boolean;
  readonly tag: readonly Pair[];
}

/** Adds `inspect dataplanes`. */
export function addInspectDataplanes(inspect: Command, session: () => Session): void {
  inspect
    .command('dataplanes')
    .description('Show data plane proxies and their state')
    .addOption(outputOption())
    .option('--gateway', 'gateways only', false)
    .option('--ingress', 'zone ingresses only', false)
    .option('--tag <key=value>', 'only proxies with this tag', collectPairs, [])
    .action(async (flags: InspectFlags) => {
      const current = session();
      const query = new URLSearchParams();
      if (flags.gateway) query.set('gateway', 'true');
      if (flags.ingress) query.set('ingress', 'true');
      for (const [key, value] of flags.tag) query.append('tag', `${key}:${value}`);
      const path = `/meshes/${encodeURIComponent(current.mesh)}/dataplanes/_overview${query.size > 0 ? `?${query}` : ''}`;
      const overviews = await getWholeList(current.client(), path);
      current.terminal.print(formatOverviews(overviews, flags.output, current.terminal.now()));
    });
}

/** The peer's, in its order: scripts count columns. A cell is never empty, so that they can be told apart by spaces. */
const headers = [
  'MESH',
  'NAME',
  'TAGS',
  'STATUS',
  ...connectionHeaders,
  'CERT REGENERATED AGO',
  'CERT EXPIRATION',
  'CERT REGENERATIONS',
  'CERT BACKEND',
  'SUPPORTED CERT BACKENDS',
  'KUMA-DP VERSION',
  'ENVOY VERSION',
  'DEPENDENCIES VERSIONS',
  'NOTES',
];

/** Overviews of Dataplanes in the form asked for. */
export function formatOverviews(overviews: unknown, output: OutputFormat, now: number): string {
  if (output === 'json') return `${JSON.stringify(overviews, null, 2)}\n`;
  if (output === 'yaml') return formatYaml(overviews);
  const items = listOf(overviews, 'items');
  const table = formatTable(
    headers,
    items.map((overview) => overviewRow(overview, now)),
  );
  const warnings = items.flatMap((overview) =>
    listOf(overview, 'warnings').map((warning) => `${text(field(overview, 'name'))}: ${text(warning)}\n`),
  );
  return warnings.length === 0 ? table : `${table}\n${warnings.join('')}`;
}

function overviewRow(overview: unknown, now: number): readonly string[] {
  const insight = field(overview, 'dataplaneInsight');
  const newest = listOf(insight, 'subscriptions').at(-1);
  return [
    text(field(overview, 'mesh')),
    text(field(overview, 'name')),
    dataplaneTags(field(overview, 'dataplane')),
    statusOf(overview, insight),
    ...connectionCells(insight, now),
    formatAge(optionalText(field(insight, 'mTLS', 'lastCertificateRegeneration')), now),
    dateOf(text(field(insight, 'mTLS', 'certificateExpirationTime'))),
    String(field(insight, 'mTLS', 'certificateRegenerations') ?? 0),
    text(field(insight, 'mTLS', 'issuedBackend')) || '-',
    listOf(insight, 'mTLS', 'supportedBackends').map(text).join(',') || '-',
    text(field(newest, 'version', 'kumaDp', 'version')) || '-',
    text(field(newest, 'version', 'envoy', 'version')) || '-',
    Object.entries(field(newest, 'version', 'dependencies') ?? {})
      .map(([name, version]) => `${name}: ${version}`)
      .join(', ') || '-',
    notesOf(overview).join(';') || '-',
  ];
}

/** `2026-12-01 08:09:22`, in UTC. */
function dateOf(time: string): string {
  return time === '' ? '-' : time.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

/** Which inbounds are not ready. */
function notesOf(overview: unknown): readonly string[] {
  const inbounds = listOf(overview, 'dataplane', 'networking', 'inbound') as readonly DataplaneInbound[];
  return inbounds
    .filter((inbound) => inbound.state !== 'Ignored' && !isInboundReady(inbound))
    .map(({ port, tags }) => `inbound[port=${port},svc=${tags?.['kuma.io/service'] ?? ''}] is not ready`);
}

/** Online only while the newest subscription is open; an inbound that is not ready makes a proxy partially degraded, or offline when none is. */
function statusOf(overview: unknown, insight: unknown): string {
  if (!isConnected(insight)) return 'Offline';
  // What is ignored is not meant to be called.
  const inbounds = (listOf(overview, 'dataplane', 'networking', 'inbound') as readonly DataplaneInbound[]).filter(
    ({ state }) => state !== 'Ignored',
  );
  if (inbounds.length === 0) return 'Online';
  const ready = inbounds.filter(isInboundReady);
  if (ready.length === inbounds.length) return 'Online';
  return ready.length === 0 ? 'Offline' : 'Partially degraded';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
