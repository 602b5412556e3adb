// The policies of one proxy as text: as rules of newer control planes, or as policies by place of older ones.
import { field, listOf } from './json-fields.ts';

/** Rules as text: per policy type, where they apply, which policies they come from, and the merged configuration. */
export function formatRules(answer: unknown): string {
  const rules = listOf(answer, 'rules');
  if (rules.length === 0) return 'no policy applies to this proxy\n';
  return rules.map(formatPolicyRules).join('\n');
}

function formatPolicyRules(rule: unknown): string {
  const lines = [`${field(rule, 'type')}`];
  for (const inbound of listOf(rule, 'inboundRules')) {
    for (const entry of listOf(inbound, 'rules')) {
      lines.push(
        `  inbound ${field(inbound, 'inbound', 'port')}: ${originsOf(entry)}`,
        `    ${JSON.stringify(field(entry, 'conf'))}`,
      );
    }
  }
  for (const entry of listOf(rule, 'toResourceRules')) {
    const section = field(entry, 'resourceSectionName');
    const target = `${field(entry, 'resourceMeta', 'type')} ${field(entry, 'resourceMeta', 'name')}${section ? ` section ${section}` : ''}`;
    lines.push(`  to ${target}: ${originsOf(entry)}`, `    ${JSON.stringify(field(entry, 'conf'))}`);
  }
  for (const entry of listOf(rule, 'toRules')) {
    lines.push(`  to ${matchersOf(entry)}: ${originsOf(entry)}`, `    ${JSON.stringify(field(entry, 'conf'))}`);
  }
  const proxyRule = field(rule, 'proxyRule');
  if (proxyRule !== undefined)
    lines.push(`  proxy: ${originsOf(proxyRule)}`, `    ${JSON.stringify(field(proxyRule, 'conf'))}`);
  for (const warning of listOf(rule, 'warnings')) lines.push(`  warning: ${warning}`);
  return `${lines.join('\n')}\n`;
}

/** `kuma.io/service=web version!=v1`; everything when there are none. */
function matchersOf(entry: unknown): string {
  const matchers = listOf(entry, 'matchers').map(
    (matcher) => `${field(matcher, 'key')}${field(matcher, 'not') === true ? '!=' : '='}${field(matcher, 'value')}`,
  );
  return matchers.length === 0 ? 'everything' : matchers.join(' ');
}

function originsOf(entry: unknown): string {
  const names = listOf(entry, 'origin').map((origin) => field(origin, 'resourceMeta', 'name') ?? field(origin, 'name'));
  return `from ${names.join(', ')}`;
}

/** Policies by place, as older control planes answer. */
export function formatAttachedPolicies(answer: unknown): string {
  return listOf(answer, 'items').map(formatPlace).join('');
}

function formatPlace(item: unknown): string {
  const [kind, name, service] = ['type', 'name', 'service'].map((key) => String(field(item, key) ?? ''));
  const heading =
    kind === 'dataplane'
      ? 'DATAPLANE'
      : kind === 'service'
        ? `SERVICE ${name}`
        : `${kind?.toUpperCase()} ${name}(${service})`;
  const policies = Object.entries(field(item, 'matchedPolicies') ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(
      ([type, matched]) =>
        `  ${type}\n${listOf(matched)
          .map((policy) => `    ${field(policy, 'name')}\n`)
          .join('')}`,
    );
  return `${heading}:\n${policies.join('')}\n`;
}
