// F8: a control plane is killed again and again in the middle of writes that consist of several resources. Each must be there as a whole or not
// at all, and what was acknowledged must be there.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlaneHost, controlPlaneOn } from '../harness/control-plane.ts';
import { controlPlaneOver, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { addHost } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { openWorldWith } from '../harness/world.ts';

interface Listed {
  readonly items: readonly { readonly name: string; readonly mesh?: string }[];
}

/** Creates meshes, each with the policies a mesh is born with, several at a time, until it is told to stop. */
function createMeshes(
  controlPlane: ControlPlaneHost,
  from: number,
): { stop(): Promise<readonly string[]>; tried(): number } {
  const acknowledged: string[] = [];
  let next = from;
  let stopped = false;
  const work = async (): Promise<void> => {
    while (!stopped) {
      const name = `bulk-${next}`;
      next += 1;
      const answer = await controlPlane
        .request('PUT', `/meshes/${name}`, { type: 'Mesh', name }, 5000)
        .catch(() => undefined);
      if (answer?.status === 201) acknowledged.push(name);
      if (answer === undefined) return;
    }
  };
  const workers = [work(), work(), work(), work()];
  return {
    tried: () => next,
    async stop() {
      stopped = true;
      await Promise.all(workers);
      return acknowledged;
    },
  };
}

async function list(controlPlane: ControlPlaneHost, path: string): Promise<Listed['items']> {
  const items: Listed['items'][number][] = [];
  for (let offset = 0; ; offset += 1000) {
    const { json } = await controlPlane.request('GET', `${path}?size=1000&offset=${offset}`);
    const page = (json as Listed).items;
    items.push(...page);
    if (page.length < 1000) return items;
  }
}

// Each mesh is born with one of them.
const companions = ['meshtimeouts', 'meshcircuitbreakers', 'meshretries'];

const saidEvery = 50;

interface Damage {
  readonly lost: number;
  readonly torn: number;
  readonly orphans: number;
}

/** Looks at everything there is, and deletes it. */
async function inspect(controlPlane: ControlPlaneHost, acknowledged: readonly string[]): Promise<Damage> {
  const meshes = (await list(controlPlane, '/meshes'))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('bulk-'));
  const there = new Set(meshes);
  const lost = acknowledged.filter((name) => !there.has(name)).length;
  const counts = new Map<string, number>();
  let orphans = 0;
  for (const type of companions) {
    for (const { mesh = '' } of await list(controlPlane, `/${type}`)) {
      if (!mesh.startsWith('bulk-')) continue;
      counts.set(mesh, (counts.get(mesh) ?? 0) + 1);
      if (!there.has(mesh)) orphans += 1;
    }
  }
  const whole = Math.max(0, ...counts.values());
  const torn = meshes.filter((name) => (counts.get(name) ?? 0) !== whole).length;
  for (let start = 0; start < meshes.length; start += 8) {
    await Promise.all(meshes.slice(start, start + 8).map((name) => controlPlane.request('DELETE', `/meshes/${name}`)));
  }
  return { lost, torn, orphans };
}

/** The fault. */
export const fault = defineFault({
  id: 'F8',
  title: 'control plane killed in the middle of writes',
  how: 'kill -9 at a random moment while meshes with all their first policies are created, four at a time; 10 times each with the embedded store and PostgreSQL, with --long 500 times each, with --minutes as often as half the time allows',
  pace: 'ci',
  lacks: databaseMissing,
  async run(context) {
    const { minutes, long } = context;
    const isOver = (count: number, since: number): boolean =>
      minutes === undefined ? count >= (long ? 500 : 10) : performance.now() - since >= minutes * 30_000;
    const database = await openDatabase(context);
    const embedded = controlPlaneOn({
      host: addHost('cp'),
      command: context.programs.controlPlane,
      folder: join(context.folder, 'cp'),
    });
    const shared = controlPlaneOver(context, database, 'cp-database');
    const world = await openWorldWith(context, embedded);
    await shared.start();
    const load = await world.load();
    const sum = { lost: 0, torn: 0, orphans: 0 };
    let acknowledged = 0;
    let kills = 0;
    for (const controlPlane of [embedded, shared]) {
      let from = 0;
      const since = performance.now();
      for (let kill = 0; !isOver(kill, since); kill += 1) {
        const writer = createMeshes(controlPlane, from);
        await sleep(50 + Math.random() * 300);
        await controlPlane.kill();
        kills += 1;
        const done = await writer.stop();
        acknowledged += done.length;
        from = writer.tried();
        await controlPlane.start();
        const damage = await inspect(controlPlane, done);
        for (const kind of ['lost', 'torn', 'orphans'] as const) sum[kind] += damage[kind];
        // So that a run of hours that is broken off has said something.
        if (kills % saidEvery === 0) context.say(`${kills} kills, ${acknowledged} meshes: ${JSON.stringify(sum)}`);
      }
    }
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'records torn', sum.torn),
      atMost(0, 'acknowledged records lost', sum.lost),
      atMost(0, 'policies without their mesh', sum.orphans),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported('kills', kills),
      reported('meshes acknowledged', acknowledged),
    ];
  },
});
