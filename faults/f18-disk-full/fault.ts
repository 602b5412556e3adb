// F18: the disk under the control plane's files is full, and the one under a proxy's access log. Nobody's traffic waits for a disk.
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { mustRun } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { openWorld } from '../harness/world.ts';

/** A file system of a few megabytes in a file. */
function smallDisk(folder: string, name: string, mebibytes: number): string {
  const image = join(folder, `${name}.img`);
  const place = join(folder, name);
  mkdirSync(place);
  mustRun('truncate', ['-s', `${mebibytes}M`, image]);
  mustRun('mkfs.ext4', ['-q', image]);
  mustRun('mount', ['-o', 'loop', image, place]);
  return place;
}

/** Writes until nothing more fits. */
function fill(place: string): string {
  const ballast = join(place, 'ballast');
  const file = openSync(ballast, 'w');
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) === size);
      } catch {
        // Full for blocks of this size.
      }
    }
  } finally {
    closeSync(file);
  }
  return ballast;
}

const accessLog = (path: string) => ({
  type: 'MeshAccessLog',
  mesh: 'default',
  name: 'to-a-file',
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { backends: [{ type: 'File', file: { path } }] } }],
  },
});

const timeout = (number: number) => ({
  type: 'MeshTimeout',
  mesh: 'default',
  name: 'probe',
  labels: { number: String(number) },
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '9s' } }],
  },
});

/** The fault. */
export const fault = defineFault({
  id: 'F18',
  title: 'disk full under the control plane, then under an access log',
  how: 'loop-mounted ext4 of 10 MiB, filled to the last byte',
  pace: 'ci',
  async run(context) {
    const { folder, say } = context;
    const workDisk = smallDisk(folder, 'cp-disk', 10);
    const logDisk = smallDisk(folder, 'log-disk', 10);
    const world = await openWorld(context, { controlPlane: { folder: join(workDisk, 'cp') } });
    const { controlPlane } = world;
    await controlPlane.apply(accessLog(join(logDisk, 'access.log')));
    const load = await world.load();
    const ballast = fill(workDisk);
    // What fits into pages that the database has already is still written.
    let number = 0;
    const write = () => {
      number += 1;
      return controlPlane.request('PUT', '/meshes/default/meshtimeouts/probe', timeout(number));
    };
    const refused = await waitFor('a write is refused', async () => {
      const answer = await write();
      return answer.status >= 500 && answer;
    });
    say(`a write is answered ${refused.status}: ${refused.text.slice(0, 200)}`);
    const named = refused.status === 503 && /disk is full|no space/i.test(refused.text);
    const reads = await controlPlane.request('GET', '/meshes/default/dataplanes');
    const ready = await (await fetch(`${controlPlane.diagnosticsUrl}/ready`)).text();
    say(`/ready: ${ready.slice(0, 300)}`);
    await sleep(1000);
    rmSync(ballast);
    const freed = performance.now();
    await waitFor('writes go on', async () => (await write()).status === 200);
    const recovered = (performance.now() - freed) / 1000;
    const last = `"number": "${number}"`;
    await controlPlane.kill();
    await controlPlane.start();
    const kept = await controlPlane.request('GET', '/meshes/default/meshtimeouts/probe');
    const lostRecords = kept.text.includes(last) ? 0 : 1;
    fill(logDisk);
    await sleep(3000);
    const report = await load.stop();
    say(describeLost(report));
    return [
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(0, 'write errors that do not name the disk', named ? 0 : 1),
      atMost(0, 'reads refused', reads.status === 200 ? 0 : 1),
      atMost(0, 'readiness that says nothing of it', ready.includes('degraded') ? 0 : 1),
      atMost(0, 'acknowledged records lost', lostRecords),
      reported('writes accepted after space was freed', recovered, 's'),
    ];
  },
});
