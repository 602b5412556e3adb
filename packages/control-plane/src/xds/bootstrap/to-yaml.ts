// JSON values as YAML in block style. Small on purpose: every proxy gets a bootstrap, and a full emitter takes a hundred times as long.

/** The YAML of a value: keys sorted, strings quoted unless they cannot be taken for anything else. */
export function toYaml(value: unknown): string {
  return block(value, '').replace(/^\n/, '').concat('\n');
}

function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []';
    return value.map((item) => `\n${indent}-${nested(item, `${indent}  `)}`).join('');
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length === 0) return ' {}';
    entries.sort(([left], [right]) => (left < right ? -1 : 1));
    return entries
      .map(([key, item]) => `\n${indent}${scalar(key)}:${block(item, Array.isArray(item) ? indent : `${indent}  `)}`)
      .join('');
  }
  return ` ${scalar(value)}`;
}

/** An item of a list: its first line goes on the line of the dash. */
function nested(item: unknown, indent: string): string {
  const text = block(item, indent);
  return text.startsWith('\n') ? ` ${text.slice(1 + indent.length)}` : text;
}

const plain = /^[A-Za-z_/][A-Za-z0-9_/.-]*$/;
const notText = /^(true|false|yes|no|on|off|null|y|n)$/i;

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  // JSON's quoted form is YAML's too.
  return plain.test(value) && !notText.test(value) ? value : JSON.stringify(value);
}
