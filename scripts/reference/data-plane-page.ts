// The page of kuma-dp's settings, from the one table that also parses them.
import { formatDuration } from '@ursa/resources';
import { definitions } from '../../packages/data-plane/src/settings/definitions.ts';
import type { Setting } from '../../packages/data-plane/src/settings/setting.ts';

/** All settings of `kuma-dp run`. */
export function dataPlanePage(): string {
  const lines = [
    '# Settings of kuma-dp',
    '',
    'Generated from the code by `node scripts/document.ts`. `kuma-dp run` takes flags and variables of the environment; the flag wins. Unknown flags and wrong',
    'values are refused with what was meant. `kuma-dp run --help` prints the same, `kuma-dp wait` returns when the proxy of its host is ready,',
    '`kuma-dp join <code>` takes the same flags and [becomes part of a mesh](../guide/two-hosts.md) first.',
    "OpenTelemetry's variables about collectors (`OTEL_EXPORTER_OTLP_…`) are read as well: [what they mean](../guide/collectors.md).",
    '',
    '| flag | environment | default | |',
    '|---|---|---|---|',
  ];
  for (const setting of Object.values<Setting<unknown>>(definitions)) {
    const flag =
      setting.flag === undefined
        ? ''
        : `\`--${setting.flag}\`${setting.short === undefined ? '' : `, \`-${setting.short}\``}`;
    const effect = setting.withoutEffect === undefined ? '' : ` No effect: ${setting.withoutEffect}.`;
    const help = `${setting.help}.${effect}`.replaceAll('|', '\\|');
    lines.push(`| ${flag} | \`${setting.env}\` | ${initialOf(setting)} | ${help} |`);
  }
  return `${lines.join('\n')}\n`;
}

function initialOf({ initial, placeholder }: Setting<unknown>): string {
  if (placeholder === 'duration') return `\`${formatDuration(Number(initial))}\``;
  return initial === '' || (typeof initial === 'object' && Object.keys(initial ?? {}).length === 0)
    ? ''
    : `\`${String(initial)}\``;
}
