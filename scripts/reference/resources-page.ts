// The page of resource types: their names and fields, from the same definitions that validate them.
import { describeType, type ResourceType, type ResourceTypes } from '@ursa/resources';

/** Every registered type with its fields. */
export function resourcesPage(types: ResourceTypes): string {
  const sorted = [...types.all].sort((left, right) => left.name.localeCompare(right.name));
  const index = sorted.map(
    (type) =>
      `| [${type.name}](#${type.name.toLowerCase()}) | ${type.path} | ${type.scope} | ${type.shortName} | ${type.readOnly ? 'yes' : ''} |`,
  );
  return [
    '# Resource types',
    '',
    'Generated from the code by `node scripts/document.ts`. Unknown fields are refused.',
    '',
    '| type | REST path, kumactl name | scope | short | read only |',
    '|---|---|---|---|---|',
    ...index,
    ...sorted.flatMap(typeSection),
    '',
  ].join('\n');
}

function typeSection(type: ResourceType): readonly string[] {
  const rows = describeType(type).map(({ field, type: kind, required, fallback, description }) => {
    const remarks = [
      required ? 'required' : '',
      fallback === undefined ? '' : `default \`${JSON.stringify(fallback)}\``,
      description,
    ];
    return `| \`${field}\` | ${cell(kind)} | ${cell(remarks.filter((remark) => remark !== '').join('; '))} |`;
  });
  const table = rows.length === 0 ? ['No fields.'] : ['| field | type | |', '|---|---|---|', ...rows];
  return ['', `## ${type.name}`, '', ...table];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
