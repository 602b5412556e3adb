// F20: malformed and huge resources. Each must be refused soon, and nobody else must be kept waiting.
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { startAsking } from '../harness/responsiveness.ts';
import { openWorld } from '../harness/world.ts';

interface Hostile {
  readonly what: string;
  readonly path: string;
  readonly body: string;
}

const route = (name: string, spec: unknown): string =>
  JSON.stringify({ type: 'MeshHTTPRoute', mesh: 'default', name, spec });
const path = (name: string): string => `/meshes/default/meshhttproutes/${name}`;
const rule = (value: string, type: string) => ({
  matches: [{ path: { type, value } }],
  default: { backendRefs: [{ kind: 'MeshService', name: 'backend', weight: 1 }] },
});
const to = (rules: readonly object[]) => ({
  targetRef: { kind: 'Mesh' },
  to: [{ targetRef: { kind: 'MeshService', name: 'backend' }, rules }],
});

const depth = 20_000;
const corpus: readonly Hostile[] = [
  { what: '10 MiB', path: path('large'), body: route('large', { filler: 'x'.repeat(10 << 20) }) },
  {
    what: `depth ${depth}`,
    path: path('deep'),
    body: `{"type":"MeshHTTPRoute","mesh":"default","name":"deep","spec":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
  },
  { what: `depth ${depth}, lists`, path: path('lists'), body: `${'['.repeat(depth)}${']'.repeat(depth)}` },
  {
    what: '10,000 rules',
    path: path('rules'),
    body: route('rules', to(Array.from({ length: 10_000 }, (_, index) => rule(`/${index}`, 'PathPrefix')))),
  },
  {
    what: 'regular expression of 1 MiB',
    path: path('regex'),
    body: route('regex', to([rule(`/${'(a|b)*'.repeat(170_000)}`, 'RegularExpression')])),
  },
  {
    what: 'regular expression that repeats',
    path: path('repeats'),
    body: route('repeats', to([rule('/((a{100}){100}){100}', 'RegularExpression')])),
  },
  { what: 'not JSON', path: path('broken'), body: '{"type":' },
  {
    what: '100,000 keys',
    path: path('keys'),
    body: route('keys', Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]))),
  },
  {
    what: '100,000 labels',
    path: path('labels'),
    body: JSON.stringify({
      type: 'MeshHTTPRoute',
      mesh: 'default',
      name: 'labels',
      labels: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 'v'])),
      spec: to([]),
    }),
  },
  {
    what: 'a number with 100,000 digits',
    path: path('digits'),
    body: route('digits', { priority: 1 }).replace(':1', `:${'9'.repeat(100_000)}`),
  },
];

/** The fault. */
export const fault = defineFault({
  id: 'F20',
  title: 'malformed and huge resources',
  how: `${corpus.length} bodies, each three times: ${corpus.map(({ what }) => what).join(', ')}`,
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane } = world;
    const load = await world.load();
    const still = startAsking(`${controlPlane.diagnosticsUrl}/healthy`);
    await sleep(2000);
    const quiet = await still.stop();
    let accepted = 0;
    let slowest = 0;
    let stall = 0;
    for (const { what, path: place, body } of corpus) {
      const asking = startAsking(`${controlPlane.diagnosticsUrl}/healthy`, 2);
      await sleep(100);
      const times: number[] = [];
      const statuses: string[] = [];
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const answer = await controlPlane.request('PUT', place, body).catch(() => undefined);
        statuses.push(String(answer?.status ?? 'cut off'));
        if (answer !== undefined && answer.status < 300) {
          accepted += 1;
          await controlPlane.request('DELETE', place);
        }
        times.push(answer?.took ?? 0);
        await sleep(50);
      }
      const { most } = await asking.stop();
      // The first time, code that nothing has run yet is compiled; the machine has other guests too. The middle one of three tells.
      const took = times.toSorted((one, other) => one - other)[1] ?? 0;
      context.say(
        `${what}: ${statuses.join(' ')} in ${times.map(Math.round).join(' ')} ms; others waited at most ${most.toFixed(1)} ms`,
      );
      slowest = Math.max(slowest, took);
      stall = Math.max(stall, most);
    }
    const alive = controlPlane.process().running();
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'accepted', accepted),
      atMost(100, 'slowest refusal', slowest, 'ms'),
      atMost(50, 'longest stall for others', stall, 'ms'),
      atMost(0, 'crashes', alive ? 0 : 1),
      atMost(0, 'requests lost', report.lost.length),
      reported('an answer before all this, p99', quiet.p99, 'ms'),
    ];
  },
});
