// Prometheus's text format, read into families of samples and written again. OpenMetrics is read too, as far as both say the same.

/** One line: a series and its value. Values stay the text they were, so that nothing is lost on the way. */
export interface Sample {
  /** Of the line; that of the family, or with `_bucket`, `_sum`, `_count`, `_total` behind it. */
  readonly name: string;
  readonly labels: readonly Label[];
  readonly value: string;
  /** Milliseconds since 1970; undefined where the line has none. */
  readonly timestamp?: number;
}

/** Name and value, unescaped. */
export type Label = readonly [name: string, value: string];

/** Kinds of families. What is not typed, or has another type, is untyped. */
export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

/** Samples under one `# TYPE`. */
export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  /** As it stands in the text; '' where there is none. */
  readonly help: string;
  readonly samples: Sample[];
}

const types: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const suffixes: Readonly<Partial<Record<FamilyType, readonly string[]>>> = {
  histogram: ['', '_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  counter: ['', '_total', '_created'],
};

const series = /^([a-zA-Z_:][a-zA-Z0-9_:]*)/;
const label = /([a-zA-Z_][a-zA-Z0-9_.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|\})\s*/y;
const rest = /^(\S+)(?:\s+(-?[\d.eE+-]+))?(?:\s+#.*)?$/;

/** Reads a text. Lines that are none of the format are left out: one broken series must not hide the others. */
export function parsePrometheus(text: string, openMetrics = false): Family[] {
  const families = new Map<string, Family>();
  const family = (name: string, type: FamilyType): Family => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const made = { name, type, help: helps.get(name) ?? '', samples: [] };
    families.set(name, made);
    return made;
  };
  const helps = new Map<string, string>();
  let current: Family | undefined;
  for (const line of lines(text)) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, keyword, name = '', about = ''] = /^#\s*(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
      if (keyword === 'HELP') helps.set(name, about);
      if (keyword === 'TYPE') current = family(name, types.has(about) ? (about as FamilyType) : 'untyped');
      continue;
    }
    const sample = parseSample(line, openMetrics);
    if (sample === undefined) continue;
    const owner = current !== undefined && owns(current, sample.name) ? current : family(sample.name, 'untyped');
    owner.samples.push(sample);
  }
  return [...families.values()].filter(({ samples }) => samples.length > 0);
}

function* lines(text: string): Iterable<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end === -1 ? text.length : end).trim();
    if (end === -1) return;
    start = end + 1;
  }
}

function owns({ name, type }: Family, sample: string): boolean {
  return sample.startsWith(name) && (suffixes[type] ?? ['']).includes(sample.slice(name.length));
}

function parseSample(line: string, openMetrics: boolean): Sample | undefined {
  const [name = ''] = series.exec(line) ?? [];
  if (name === '') return undefined;
  let at = name.length;
  const labels: Label[] = [];
  if (line[at] === '{') {
    at += 1;
    if (line[at] === '}') at += 1;
    else {
      for (let closed = false; !closed; ) {
        label.lastIndex = at;
        const found = label.exec(line);
        if (found === null) return undefined;
        const [whole, key = '', value = '', separator] = found;
        labels.push([key, unescaped(value)]);
        at += whole.length;
        closed = separator === '}' || line[at] === '}';
        if (separator === ',' && closed) at += 1;
      }
    }
  }
  const [, value, time] = rest.exec(line.slice(at).trim()) ?? [];
  if (value === undefined || Number.isNaN(parseValue(value) ?? Number.NaN) !== (value === 'NaN')) return undefined;
  const timestamp = time === undefined ? undefined : Number(time) * (openMetrics ? 1000 : 1);
  return { name, labels, value, ...(timestamp === undefined ? {} : { timestamp }) };
}

/** The number that a value means; undefined when it is none. */
export function parseValue(text: string): number | undefined {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** A number in the one form that the peers' metrics have: `250`, `0.5`, `1.8e+06`, `+Inf`. Bounds of buckets are compared as texts. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  const digits = String(Math.abs(power)).padStart(2, '0');
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`;
}

/** Writes families; each once, with all of its samples. */
export function formatPrometheus(families: readonly Family[]): string {
  const parts: string[] = [];
  for (const { name, type, help, samples } of families) {
    if (help !== '') parts.push(`# HELP ${name} ${help}`);
    parts.push(`# TYPE ${name} ${type}`);
    for (const sample of samples) parts.push(formatSample(sample));
  }
  return parts.length === 0 ? '' : `${parts.join('\n')}\n`;
}

function formatSample({ name, labels, value, timestamp }: Sample): string {
  const written = labels.map(([key, text]) => `${key}="${escaped(text)}"`).join(',');
  return `${name}${written === '' ? '' : `{${written}}`} ${value}${timestamp === undefined ? '' : ` ${Math.round(timestamp)}`}`;
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text;
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter)) : text;
}
