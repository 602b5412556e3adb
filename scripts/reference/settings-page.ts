// The page of kuma-cp's settings, from the one table that also parses them.
import { settingsTable } from '../../packages/control-plane/src/config/settings.ts';
import { walkSettings } from '../../packages/control-plane/src/config/walk-settings.ts';

/** All settings by section of the file. */
export function settingsPage(): string {
  const lines = [
    '# Settings of kuma-cp',
    '',
    'Generated from the code by `node scripts/document.ts`. A setting is given in a YAML file (`kuma-cp run -c file`) under its path, or in the environment, which wins over the',
    'file. Unknown names are refused with the name that is near. `GET /config` shows what is in force, secrets masked.',
  ];
  let section = '';
  for (const { path, setting } of walkSettings(settingsTable)) {
    const [first = ''] = path.split('.');
    if (first !== section) {
      section = first;
      lines.push('', `## ${section}`, '', '| path | environment | default | |', '|---|---|---|---|');
    }
    const remarks = [
      setting.summary,
      `Takes ${setting.expected}.`,
      ...(setting.noEffect === undefined ? [] : [`No effect: ${setting.noEffect}.`]),
      ...(setting.deprecated === undefined ? [] : [`Deprecated: ${setting.deprecated}.`]),
    ];
    const initial = JSON.stringify(setting.secret ? '*****' : setting.toJson(setting.default));
    lines.push(
      `| ${path} | ${setting.env === undefined ? '' : `\`${setting.env}\``} | \`${initial}\` | ${cell(remarks.join(' '))} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('..', '.');
}
