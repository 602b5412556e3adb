// What a meshload report says, beside the peer's figures and our goals: pure, so that its arithmetic is tested.

/** One phase of a meshload report; names as meshload writes them. */
export interface Phase {
  readonly Name: string;
  readonly Seconds: number;
  readonly CPCPU: number;
  readonly OtherCPU: number;
  readonly RSSMB: number;
  readonly Lat?: Readonly<Record<string, { readonly P50: number; readonly P99: number; readonly Max: number }>> | null;
  readonly Extra?: Readonly<Record<string, unknown>> | null;
}

/** One line of the table. Numbers are in the figure's unit; smaller is better unless it says `per second`. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly ours: number | undefined;
  readonly peer: number | undefined;
  readonly goal: number | undefined;
}

type References = Readonly<Record<string, { readonly peer?: number; readonly goal?: number }>>;

/** The peer's figures and our goals, by shape and figure; from the shared `bench/peer.md`. */
const n1000: References = {
  'cold start: all configured': { peer: 29300, goal: 3500 },
  'cold start: CPU': { peer: 53.6, goal: 4 },
  'all reconnect: all configured': { peer: 28500, goal: 3500 },
  'all reconnect: CPU': { peer: 53.4, goal: 4 },
  'idle CPU': { peer: 29, goal: 0.5 },
  'RSS, all connected': { peer: 749, goal: 250 },
  'mesh-wide MeshTimeout: p99': { peer: 5657, goal: 300 },
  'mesh-wide MeshTimeout: CPU': { peer: 8.7, goal: 0.6 },
  'MeshHTTPRoute to one service: p99': { peer: 3812, goal: 80 },
  'MeshHTTPRoute to one service: CPU': { peer: 7.0 },
  'endpoint added: p99': { peer: 4524, goal: 50 },
  'endpoint added: CPU': { peer: 8.1, goal: 0.08 },
  'endpoint added: received': { peer: 17.7, goal: 1.9 },
  'endpoint removed: p99': { peer: 6173, goal: 50 },
  'mTLS on: p99': { peer: 30485, goal: 2000 },
  'mTLS on: CPU': { peer: 57, goal: 2 },
  'REST list of 100': { peer: 14, goal: 1000 },
  'REST get one': { peer: 3369 },
  'start: API answers': { peer: 240, goal: 400 },
  'start: RSS idle': { peer: 95, goal: 110 },
};

/** The same goals hold over PostgreSQL and with two control planes; the peer's figures were taken without. */
const goalsOverPostgres = Object.fromEntries(
  Object.entries(n1000).flatMap(([what, { goal }]) => (goal === undefined ? [] : [[what, { goal }]])),
);

const references: Readonly<Record<string, References>> = {
  n1000,
  postgres1000: goalsOverPostgres,
  // CPU and memory are those of one of the two control planes, the goals for both.
  balanced1000: Object.fromEntries(Object.entries(goalsOverPostgres).filter(([what]) => !/CPU|RSS/.test(what))),
  n100: {
    'idle CPU': { peer: 3.6, goal: 0.5 },
    'mesh-wide MeshTimeout: p99': { peer: 1834, goal: 30 },
    'mesh-wide MeshTimeout: CPU': { peer: 0.51 },
    'MeshHTTPRoute to one service: p99': { peer: 1827, goal: 30 },
    'endpoint added: p99': { peer: 1884, goal: 30 },
    'endpoint added: CPU': { peer: 0.44 },
  },
  worst1000: {
    'cold start: all configured': { peer: 45900 },
    'idle CPU': { peer: 150, goal: 0.5 },
    'RSS, all connected': { peer: 2294, goal: 400 },
    'mesh-wide MeshTimeout: p99': { peer: 83221, goal: 1500 },
    'endpoint added: p99': { peer: 24556, goal: 250 },
  },
  policies1000: {
    'MeshHTTPRoute to one service: p99': { goal: 80 },
    '_rules of one proxy: p99': { goal: 5 },
    'diff of a mesh-wide change: p99': { goal: 1000 },
  },
  n3000: {
    'cold start: all configured': { peer: 89800 },
    'idle CPU': { peer: 173, goal: 1.5 },
    'endpoint added: p99': { peer: 16217, goal: 100 },
  },
};

/** Reads the figures off the phases; a figure whose phase did not run is left out. */
export function figuresOf(
  shape: string,
  phases: readonly Phase[],
  start: { readonly startMilliseconds: number; readonly idleResidentBytes: number },
): readonly Figure[] {
  const figures: Figure[] = [];
  const add = (what: string, unit: string, ours: number | undefined): void => {
    const { peer, goal } = references[shape]?.[what] ?? {};
    if (ours !== undefined) figures.push({ what, unit, ours, peer, goal });
  };
  const phase = (name: string): Phase | undefined => phases.find((candidate) => candidate.Name === name);
  const extra = (name: string, key: string): number | undefined => {
    const value = phase(name)?.Extra?.[key];
    return value === undefined ? undefined : Number(value);
  };
  add('start: API answers', 'ms', start.startMilliseconds);
  add('start: RSS idle', 'MB', start.idleResidentBytes / 1e6);
  for (const [name, words] of [
    ['start to full config', 'cold start'],
    ['storm (reconnect all)', 'all reconnect'],
  ] as const) {
    add(`${words}: all configured`, 'ms', phase(name)?.Lat?.['full config']?.Max);
    add(`${words}: CPU`, 's', phase(name)?.CPCPU);
  }
  const idle = phase('idle');
  if (idle !== undefined) {
    add('idle CPU', '% of a core', (100 * idle.CPCPU) / idle.Seconds);
    add('RSS, all connected', 'MB', idle.RSSMB);
  }
  for (const [name, words] of [
    ['policy (MeshTimeout)', 'mesh-wide MeshTimeout'],
    ['route (MeshHTTPRoute)', 'MeshHTTPRoute to one service'],
    ['endpoint added', 'endpoint added'],
    ['endpoint removed', 'endpoint removed'],
    ['mTLS on', 'mTLS on'],
    ['mTLS off', 'mTLS off'],
  ] as const) {
    add(`${words}: p99`, 'ms', phase(name)?.Lat?.['from return']?.P99);
    add(`${words}: p99 from the request on`, 'ms', phase(name)?.Lat?.['from request start']?.P99);
    add(`${words}: CPU`, 's', extra(name, 'cpu s per change'));
    add(`${words}: received`, 'MB', extra(name, 'MB per change'));
    if ((extra(name, 'missed') ?? 0) > 0) add(`${words}: proxies that missed it`, '', extra(name, 'missed'));
  }
  add('_rules of one proxy: p99', 'ms', phase('policies')?.Lat?.rules?.P99);
  add('diff of a mesh-wide change: p99', 'ms', phase('policies')?.Lat?.diff?.P99);
  add('REST get one', 'per second', extra('REST GET one dataplane', 'per second'));
  add('REST list of 100', 'per second', extra('REST GET list size=100', 'per second'));
  add('REST overview of 100', 'per second', extra('REST GET _overview s=100', 'per second'));
  add('REST put a policy', 'per second', extra('REST PUT MeshTimeout', 'per second'));
  return figures;
}

/** The table as Markdown. A goal that was missed is marked; it is never hidden. */
export function formatFigures(figures: readonly Figure[]): string {
  const number = (value: number | undefined): string =>
    value === undefined ? '' : String(Number(value.toPrecision(3)));
  const rows = figures.map(({ what, unit, ours, peer, goal }) => {
    const smallerIsBetter = unit !== 'per second';
    const missed = ours !== undefined && goal !== undefined && (smallerIsBetter ? ours > goal : ours < goal);
    return `| ${what} | ${unit} | ${number(ours)} | ${number(peer)} | ${number(goal)} | ${goal === undefined ? '' : missed ? 'missed' : 'reached'} |`;
  });
  return ['| figure | unit | ours | peer | goal | |', '|---|---|---|---|---|---|', ...rows].join('\n');
}
