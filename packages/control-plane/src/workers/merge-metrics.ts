// Metrics of several workers as one text: each sample says which worker it is of. Pure.

/** Metrics of one worker, in Prometheus' text format. */
export interface WorkerMetrics {
  readonly worker: number;
  readonly text: string;
}

/** Puts them together: samples of a family stand together, as the format demands, under one description. */
export function mergeMetrics(all: readonly WorkerMetrics[]): string {
  const families = new Map<string, { readonly comments: Set<string>; readonly samples: string[] }>();
  for (const { worker, text } of all) {
    let family = '';
    for (const line of text.split('\n')) {
      if (line === '' || line === '# EOF') continue;
      const described = /^# (?:HELP|TYPE|UNIT) (\S+)/.exec(line)?.[1];
      if (described !== undefined) family = described;
      const entry = families.get(family) ?? { comments: new Set<string>(), samples: [] };
      families.set(family, entry);
      if (line.startsWith('#')) entry.comments.add(line);
      else entry.samples.push(withLabel(line, worker));
    }
  }
  const lines = [...families.values()].flatMap(({ comments, samples }) => [...comments, ...samples]);
  return `${lines.join('\n')}\n`;
}

function withLabel(sample: string, worker: number): string {
  const brace = sample.indexOf('{');
  const space = sample.indexOf(' ');
  const label = `worker="${worker}"`;
  if (brace === -1 || brace > space) return `${sample.slice(0, space)}{${label}}${sample.slice(space)}`;
  const rest = sample.slice(brace + 1);
  return `${sample.slice(0, brace)}{${label}${rest.startsWith('}') ? '' : ','}${rest}`;
}
