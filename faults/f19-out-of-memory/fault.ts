// F19: the control plane may use 256 MiB, and has a thousand proxies and large writes to deal with. It must shed load rather than be killed.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { streamsOf } from '../harness/instances.ts';
import { describeLost } from '../harness/load.ts';
import { memoryOf } from '../harness/process-memory.ts';
import { openWorld } from '../harness/world.ts';

const limit = 256 << 20;
const proxies = 1000;
const groups = '/sys/fs/cgroup/memory';

/** A valid route of some 100 kB for services that nobody calls. */
const largeRoute = (name: string) => ({
  type: 'MeshHTTPRoute',
  mesh: 'default',
  name,
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'nobody' },
        rules: Array.from({ length: 400 }, (_, index) => ({
          matches: [{ path: { type: 'PathPrefix', value: `/${index}/${'x'.repeat(150)}` } }],
          default: {},
        })),
      },
    ],
  },
});

/** How many processes the kernel has ended because the group had no memory left. */
const killsIn = (group: string): number =>
  Number(/^oom_kill (\d+)/m.exec(readFileSync(join(group, 'memory.oom_control'), 'utf8'))?.[1]);

async function leaveNothing(group: string): Promise<void> {
  const members = (): readonly number[] =>
    readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  for (const pid of members()) if (pid > 0) process.kill(pid, 'SIGKILL');
  await waitFor('the group is empty', () => members().length === 0);
  rmdirSync(group);
}

/** The fault. */
export const fault = defineFault({
  id: 'F19',
  title: 'control plane in 256 MiB with 1,000 proxies and large writes',
  how: 'memory cgroup; 1,000 stub proxies; 60 routes of 100 kB, 20 at a time',
  pace: 'fast',
  async run(context) {
    const group = join(groups, `ursa-faults-${Date.now()}`);
    mkdirSync(group);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(limit));
    try {
      const join256 = ['sh', '-c', `echo $$ >${group}/cgroup.procs && exec "$0" "$@"`];
      const world = await openWorld(context, { controlPlane: { wrap: join256 } });
      const { controlPlane, services } = world;
      const first = controlPlane.process();
      const load = await world.load();
      const fleet = await startFleet(addHost('fleet'), controlPlane, proxies, { spread: 20_000 });
      let most = 0;
      await waitFor(
        'the proxies are connected',
        async () => {
          // As it says itself: a stub counts its stream before it is refused.
          const served = await streamsOf(controlPlane);
          most = Math.max(most, served);
          return !first.running() || served >= proxies + services.length;
        },
        { within: 90_000, every: 500 },
        // Those that there is no memory for are told to come again: it need not be all.
      ).catch(() => false);
      const statuses: Record<string, number> = {};
      for (let round = 0; round < 3 && first.running(); round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            controlPlane.request('PUT', `/meshes/default/meshhttproutes/big-${index}`, largeRoute(`big-${index}`)).then(
              ({ status }) => String(status),
              () => 'none',
            ),
          ),
        );
        for (const answer of answers) statuses[answer] = (statuses[answer] ?? 0) + 1;
      }
      await sleep(500);
      const left = first.running() ? await streamsOf(controlPlane) : 0;
      // The runtime may give up by itself, too.
      const killed = killsIn(group) > 0 || !first.running();
      const peak = Number(readFileSync(join(group, 'memory.max_usage_in_bytes'), 'utf8')) / (1 << 20);
      const resident = killed ? 0 : memoryOf(first.pid).resident;
      await fleet.stop();
      const report = await load.stop();
      context.say(`answers to large writes: ${JSON.stringify(statuses)}; ${describeLost(report)}`);
      return [
        atMost(0, 'kills', killed ? 1 : 0),
        atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
        reported('proxies served before the writes, at most', most),
        reported('proxies served after them', left),
        reported('resident at the end', resident, 'MiB'),
        reported('most memory of the group, with file pages', peak, 'MiB'),
      ];
    } finally {
      // A group is deleted by nobody else, and only when it is empty.
      await leaveNothing(group);
    }
  },
});
