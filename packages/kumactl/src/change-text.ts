// What a change would do, as text: a summary, the resources, then what happens to which proxies, most of them first.
import { field, listOf } from './json-fields.ts';

const shownGroups = 5;
const shownProxies = 5;
const shownFields = 8;
const longestValue = 100;
const signs: Readonly<Record<string, string>> = { added: '+', removed: '-', changed: '~', unchanged: '=' };

/** The text for an answer of `/_diff`. */
export function formatChangeText(answer: unknown): string {
  const resources = listOf(answer, 'resources');
  const groups = listOf(answer, 'groups');
  const hidden = Math.max(0, groups.length - shownGroups) + numberAt(answer, 'moreGroups');
  const lines = [
    summaryOf(answer),
    ...resources.flatMap(resourceLines),
    ...groups.slice(0, shownGroups).flatMap(groupLines),
    ...(hidden > 0
      ? ['', `and ${counted(hidden, 'more group of proxies', 'more groups of proxies')}: see -o json`]
      : []),
    ...warningLines(listOf(answer, 'warnings')),
  ];
  return `${lines.join('\n')}\n`;
}

const numberAt = (value: unknown, ...path: readonly string[]): number => Number(field(value, ...path) ?? 0);
const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const kinds: Readonly<Record<string, readonly [one: string, many: string]>> = {
  listener: ['listener', 'listeners'],
  route: ['route', 'routes'],
  cluster: ['cluster', 'clusters'],
  endpoint: ['set of endpoints', 'sets of endpoints'],
  secret: ['secret', 'secrets'],
  runtime: ['runtime layer', 'runtime layers'],
};

function summaryOf(answer: unknown): string {
  if (field(answer, 'changes') !== true) return 'nothing would change';
  const all = numberAt(answer, 'counts', 'resources');
  const policies = numberAt(answer, 'counts', 'policies');
  const parts = [
    ...(policies > 0 ? [counted(policies, 'policy', 'policies')] : []),
    ...(all > policies ? [counted(all - policies, 'other resource', 'other resources')] : []),
    `${counted(numberAt(answer, 'counts', 'proxies'), 'proxy', 'proxies')} of ${numberAt(answer, 'counts', 'connectedProxies')}`,
    ...Object.entries(field(answer, 'counts', 'envoyResources') ?? {}).map(([type, count]) => {
      const [one, many] = kinds[type] ?? [type, type];
      return counted(Number(count), one, many);
    }),
  ];
  return `${parts.join(', ')} would change`;
}

function resourceLines(resource: unknown): readonly string[] {
  const mesh = field(resource, 'mesh');
  const action = String(field(resource, 'action'));
  const dataplanes = field(resource, 'dataplanes');
  const applies =
    dataplanes === undefined ? '' : `, applies to ${counted(Number(dataplanes), 'Dataplane', 'Dataplanes')}`;
  const place = mesh === '' || mesh === undefined ? '' : ` in mesh ${mesh}`;
  const head = `${signs[action] ?? '?'} ${field(resource, 'type')} ${field(resource, 'name')}${place} ${action}${applies}`;
  return ['', head, ...fieldLines(listOf(resource, 'fields'), '    ')];
}

function groupLines(group: unknown): readonly string[] {
  const total = numberAt(group, 'total');
  const names = listOf(group, 'proxies').slice(0, shownProxies).map(String);
  const more = total > names.length ? ` and ${total - names.length} more` : '';
  const resources = listOf(group, 'resources').flatMap((resource) => {
    const action = String(field(resource, 'action'));
    const head = `  ${signs[action] ?? '?'} ${field(resource, 'type')} ${field(resource, 'name')}`;
    return [head, ...fieldLines(listOf(resource, 'fields'), '      ', numberAt(resource, 'moreFields'))];
  });
  return ['', `${counted(total, 'proxy', 'proxies')}: ${names.join(', ')}${more}`, ...resources];
}

function fieldLines(fields: readonly unknown[], indent: string, more = 0): readonly string[] {
  const lines = fields.slice(0, shownFields).map((change) => {
    const meaning = field(change, 'meaning');
    const label = meaning === undefined ? '' : `${meaning}: `;
    return `${indent}${label}${field(change, 'path')}${valuesOf(change)}`;
  });
  const hidden = Math.max(0, fields.length - shownFields) + more;
  return hidden > 0 ? [...lines, `${indent}and ${counted(hidden, 'more field', 'more fields')}`] : lines;
}

function valuesOf(change: unknown): string {
  const [before, after] = [field(change, 'before'), field(change, 'after')];
  if (before === undefined && after === undefined) return '';
  if (before === undefined) return ` + ${valueText(after)}`;
  return after === undefined ? ` - ${valueText(before)}` : ` ${valueText(before)} -> ${valueText(after)}`;
}

function valueText(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

function warningLines(warnings: readonly unknown[]): readonly string[] {
  const lines = warnings.map((warning) => {
    const total = numberAt(warning, 'total');
    const names = listOf(warning, 'proxies').slice(0, shownProxies).map(String);
    const more = total > names.length ? ` and ${total - names.length} more` : '';
    return `Warning: ${field(warning, 'message')}${total > 0 ? ` (${names.join(', ')}${more})` : ''}`;
  });
  return lines.length > 0 ? ['', ...lines] : [];
}
