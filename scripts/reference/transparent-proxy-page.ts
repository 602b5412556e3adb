// The page of the transparent proxy's configuration, from the one table that also reads it.
import { formatDuration } from '@ursa/resources';
import { type ConfigField, configFields, environmentPrefix } from '@ursa/transparent-proxy';

/** Every field with its flag and its variable. */
export function transparentProxyPage(): string {
  const lines = [
    '# Configuration of the transparent proxy',
    '',
    'Generated from the code by `node scripts/document.ts`. One configuration for `kumactl install transparent-proxy --config` and `kuma-dp run',
    '--transparent-proxy-config`, as YAML or JSON; fields not given keep their defaults, unknown ones are refused. Flags win over variables of the',
    'environment, these over files, later files over earlier ones. How to use it: [the guide](../guide/transparent-proxying.md).',
    '',
    '| field | flag of kumactl | environment | default | |',
    '|---|---|---|---|---|',
  ];
  for (const field of Object.values<ConfigField<unknown>>(configFields)) {
    const flag = field.flag === undefined ? '' : `\`--${field.flag}\``;
    const cells = [
      `\`${field.path}\``,
      flag,
      `\`${environmentPrefix}${field.env}\``,
      initialOf(field),
      `${field.help}.`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function initialOf({ initial, placeholder }: ConfigField<unknown>): string {
  if (placeholder === 'duration') return `\`${formatDuration(Number(initial))}\``;
  return initial === '' || typeof initial === 'object' ? '' : `\`${String(initial)}\``;
}
