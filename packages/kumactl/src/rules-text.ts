// The policies of one proxy as text: as rules of newer control planes, or as policies by place of older ones.
import { tagNames } from '@ursa/resources';
import { field, listOf } from './json-fields.ts';

/** Rules as text: per policy type, where they apply, which policies they come from, and the merged configuration. */
export function formatRules(answer: unknown): string {
  const rules = listOf(answer, 'rules');
  if (rules.length === 0) return 'no policy applies to this proxy\n';
  return rules.map(formatPolicyRules).join('\n');
}

function formatPolicyRules(rule: unknown): string {
  const lines = [`${field(rule, 'type')}`];
  const add = (place: string, entry: unknown): void => {
    lines.push(`  ${place} (${originsOf(entry)})`, `    ${JSON.stringify(confOf(entry))}`);
  };
  for (const inbound of listOf(rule, 'inboundRules')) {
    for (const entry of listOf(inbound, 'rules')) add(`inbound ${field(inbound, 'inbound', 'port')}`, entry);
  }
  for (const inbound of listOf(rule, 'fromRules')) {
    for (const entry of listOf(inbound, 'rules'))
      add(`inbound ${field(inbound, 'inbound', 'port')}, clients ${matchersOf(entry)}`, entry);
  }
  for (const entry of listOf(rule, 'toResourceRules')) {
    const section = field(entry, 'resourceSectionName');
    const target = `${field(entry, 'resourceMeta', 'type')} ${field(entry, 'resourceMeta', 'name')}`;
    add(`to ${target}${section ? ` section ${section}` : ''}`, entry);
  }
  for (const entry of listOf(rule, 'toRules')) add(`to ${matchersOf(entry)}`, entry);
  const proxyRule = field(rule, 'proxyRule');
  if (proxyRule !== undefined) add('proxy', proxyRule);
  for (const warning of listOf(rule, 'warnings')) lines.push(`  warning: ${warning}`);
  return `${lines.join('\n')}\n`;
}

/** Some rules carry their conf as a list of one. */
function confOf(entry: unknown): unknown {
  const conf = field(entry, 'conf');
  return Array.isArray(conf) && conf.length === 1 ? conf[0] : conf;
}

/** `kuma.io/service=web version!=v1`; everything when there are none. */
function matchersOf(entry: unknown): string {
  const matchers = listOf(entry, 'matchers').map(
    (matcher) => `${field(matcher, 'key')}${field(matcher, 'not') === true ? '!=' : '='}${field(matcher, 'value')}`,
  );
  return matchers.length === 0 ? 'everything' : matchers.join(' ');
}

/** Names of the policies that the conf was merged from. */
function originsOf(entry: unknown): string {
  const names = listOf(entry, 'origin').map((origin) => field(origin, 'resourceMeta', 'name') ?? field(origin, 'name'));
  return names.join(', ');
}

/** Policies by place, as older control planes answer. */
export function formatAttachedPolicies(answer: unknown): string {
  if (field(answer, 'kind') === 'MeshGatewayDataplane') return formatGateway(answer);
  return listOf(answer, 'items').map(formatPlace).join('');
}

/** A built-in gateway: what holds for all of it, then its listeners with their hosts, routes and destinations. */
function formatGateway(answer: unknown): string {
  const listeners = listOf(answer, 'listeners').map((listener) => {
    const hosts = listOf(listener, 'hosts').map((host) => {
      const routes = listOf(host, 'routes').map((route) => {
        const destinations = listOf(route, 'destinations').map(
          (destination) =>
            `      SERVICE ${field(destination, 'tags', tagNames.service)}:\n${formatPolicies(destination, '        ')}\n`,
        );
        return `    ROUTE ${field(route, 'route')}:\n${destinations.join('')}`;
      });
      return `  ${field(host, 'hostName')}:\n${routes.join('')}`;
    });
    return `LISTENER (${field(listener, 'protocol')}:${field(listener, 'port')}):\n${hosts.join('')}`;
  });
  const whole = formatPolicies(answer, '  ');
  return `${whole === '' ? '' : `MESHGATEWAY:\n${whole}\n`}${listeners.join('')}`;
}

/** One policy of a type, by type. */
function formatPolicies(item: unknown, indent: string): string {
  return Object.entries(field(item, 'policies') ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([type, policy]) => `${indent}${type}\n${indent}  ${field(policy, 'name')}\n`)
    .join('');
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
