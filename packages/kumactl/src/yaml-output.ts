// YAML as kumactl prints it: keys sorted, lists not indented, quotes as the peer's printer sets them, so that scripts that compare texts go on.
import { Document, isScalar, visit } from 'yaml';

const metaFields = new Set(['creationTime', 'kri', 'labels', 'mesh', 'modificationTime', 'name', 'type']);

/** A text that no YAML reader takes for plain because of its characters; those that look like numbers, dates or booleans are quoted doubly. */
const needsQuotes = /^[\s,[\]{}#&*!|>'"%@`]|^[?-]$|^[?-]\s|:\s|\s#|[\s:-]$/;

/** Any JSON value, keys sorted. */
export function formatYaml(value: unknown): string {
  const document = new Document(value, { version: '1.1', sortMapEntries: true, aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, scalar) {
      const { value: text } = scalar;
      if (isScalar(scalar) && typeof text === 'string' && !text.includes('\n') && needsQuotes.test(text))
        scalar.type = 'QUOTE_SINGLE';
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0 });
}

/** One resource. Of the older types, whose fields stand beside the meta fields, the meta fields come first. */
export function formatResourceYaml(resource: unknown): string {
  if (typeof resource !== 'object' || resource === null || 'spec' in resource) return formatYaml(resource);
  const entries = Object.entries(resource);
  const meta = Object.fromEntries(entries.filter(([key]) => metaFields.has(key)));
  const rest = Object.fromEntries(entries.filter(([key]) => !metaFields.has(key)));
  return formatYaml(meta) + (Object.keys(rest).length > 0 ? formatYaml(rest) : '');
}
