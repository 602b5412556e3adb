// YAML as kumactl prints it: keys sorted, the meta fields of a single resource first, indentation of lists as the peer's.
import { stringify } from 'yaml';

const metaFields = new Set(['creationTime', 'kri', 'labels', 'mesh', 'modificationTime', 'name', 'type']);

const options = {
  sortMapEntries: true,
  indentSeq: false,
  lineWidth: 0,
  defaultStringType: 'PLAIN',
  defaultKeyType: 'PLAIN',
  singleQuote: false,
  version: '1.1',
} as const;

/** Any JSON value, keys sorted. */
export function formatYaml(value: unknown): string {
  return stringify(value, options);
}

/** One resource: its meta fields, then the rest, each sorted. */
export function formatResourceYaml(resource: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(resource);
  const meta = Object.fromEntries(entries.filter(([key]) => metaFields.has(key)));
  const rest = Object.fromEntries(entries.filter(([key]) => !metaFields.has(key)));
  return formatYaml(meta) + (Object.keys(rest).length > 0 ? formatYaml(rest) : '');
}
