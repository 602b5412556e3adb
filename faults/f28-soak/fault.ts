// F28: two hours of change. What a process holds (memory, files) must not grow with the time it runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { memoryOf, openFilesOf } from '../harness/process-memory.ts';
import { lowerEnvelope, type Sample, slopePerHour } from '../harness/slope.ts';
import { openWorld } from '../harness/world.ts';

const defaultMinutes = 120;
const proxies = 50;
const changesPerSecond = 10;
const sampleEvery = 10_000;
// Each call that waits has a connection, which the client then keeps: more of them would be counted as files that the control plane does not close.
const mostCallsAtOnce = 8;
// The first part fills caches and lets the compiler do its work.
const warmUp = 0.3;
// Memory that a collector has not yet taken back is no leak: judged are the least values of so many spans of the time after the warm-up, and the heap
// after complete collections, of which there is at least one in each span.
const spans = 10;
const collections = 20;

/** The changes, by turns: a policy for all, one for some, a proxy that is stored, a route, and what takes them away again. */
async function change(controlPlane: ControlPlaneHost, turn: number): Promise<number> {
  const slot = Math.floor(turn / 10) % 100;
  const to = (idleTimeout: string) => [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout } }];
  const write = async (method: string, path: string, body?: object): Promise<number> =>
    (await controlPlane.request(method, `/meshes/default/${path}`, body)).status;
  const policy = (name: string, targetRef: object) =>
    write('PUT', `meshtimeouts/${name}`, {
      type: 'MeshTimeout',
      mesh: 'default',
      name,
      spec: { targetRef, to: to(`${60 + (turn % 1000)}s`) },
    });
  switch (turn % 10) {
    case 0:
      return await policy('all', { kind: 'Mesh' });
    case 1:
      return await policy(`some-${slot}`, { kind: 'Dataplane', labels: { app: `app-${slot}` } });
    case 3:
      return await write('PUT', `dataplanes/stored-${slot}`, {
        type: 'Dataplane',
        mesh: 'default',
        name: `stored-${slot}`,
        networking: {
          address: `10.96.0.${slot + 1}`,
          inbound: [{ port: 9080, tags: { 'kuma.io/service': `service-${slot % 5}`, 'kuma.io/protocol': 'http' } }],
        },
      });
    case 5:
      return await write('PUT', `meshhttproutes/route-${slot}`, {
        type: 'MeshHTTPRoute',
        mesh: 'default',
        name: `route-${slot}`,
        spec: {
          targetRef: { kind: 'Mesh' },
          to: [
            {
              targetRef: { kind: 'MeshService', name: `service-${slot % 5}` },
              rules: [{ matches: [{ path: { type: 'PathPrefix', value: `/${turn}` } }], default: {} }],
            },
          ],
        },
      });
    case 7:
      return await write('DELETE', `dataplanes/stored-${slot}`);
    case 8:
      return await write('DELETE', `meshhttproutes/route-${slot}`);
    case 9:
      return await write('DELETE', `meshtimeouts/some-${slot}`);
    default:
      return (await controlPlane.request('GET', '/meshes/default/dataplanes/_overview')).status;
  }
}

/** What was sampled after the warm-up. */
function settled(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length * warmUp));
}

/** Growth in an hour of what was sampled after the warm-up. */
function trend(samples: readonly Sample[]): number {
  return slopePerHour(settled(samples));
}

/** Growth in an hour of the least that it comes back to. */
function trendOfLeast(samples: readonly Sample[]): number {
  return slopePerHour(lowerEnvelope(settled(samples), spans));
}

/** The fault. */
export const fault = defineFault({
  id: 'F28',
  title: 'soak with churn',
  how: `${changesPerSecond} calls of the API a second (7 of them writes), ${proxies} stub proxies of which two are replaced every 10 s, for ${defaultMinutes} minutes or as long as --minutes says; growth is that after the first ${warmUp * 100} % of the time; judged are a line through the live heap after each of ${collections} forced collections, and one through the least resident memory of each of ${spans} spans of the time (what it comes back to); the line through all samples, garbage among them, is told beside`,
  pace: 'long',
  async run(context) {
    const minutes = context.minutes ?? defaultMinutes;
    const world = await openWorld(context, { environment: { KUMA_DIAGNOSTICS_DEBUG_ENDPOINTS: 'true' } });
    const { controlPlane, client } = world;
    const host = addHost('fleet');
    const fleet = await startFleet(host, controlPlane, proxies, { services: 5, outbounds: 2, spread: 1000 });
    await waitFor('the fleet is connected', async () => (await fleet.report()).connected === proxies, {
      within: 60_000,
    });
    const load = await world.load();
    const pid = controlPlane.process().pid;
    const watched = { cp: pid, dp: client.proxy().pid } as const;
    const samples = {
      memory: [] as Sample[],
      files: [] as Sample[],
      proxyMemory: [] as Sample[],
      live: [] as Sample[],
    };
    const started = performance.now();
    const end = started + minutes * 60_000;
    let refused = 0;
    let turn = 0;
    let nextSample = started;
    let nextCollection = started;
    let guests = await startFleet(host, controlPlane, 2, { first: 1000, services: 5, outbounds: 2, spread: 100 });
    const busy = new Set<Promise<void>>();
    while (performance.now() < end) {
      const due = Math.floor(((performance.now() - started) / 1000) * changesPerSecond);
      for (; turn < due && busy.size < mostCallsAtOnce; turn += 1) {
        const call: Promise<void> = change(controlPlane, turn)
          .then((status) => {
            if (status >= 500) refused += 1;
          })
          .catch(() => {
            refused += 1;
          })
          .finally(() => busy.delete(call));
        busy.add(call);
      }
      if (performance.now() >= nextSample) {
        nextSample += sampleEvery;
        const at = (performance.now() - started) / 1000;
        samples.memory.push({ at, value: memoryOf(watched.cp).resident });
        samples.files.push({ at, value: openFilesOf(watched.cp) });
        samples.proxyMemory.push({ at, value: memoryOf(watched.dp).resident });
        if (performance.now() >= nextCollection) {
          nextCollection += (end - started) / collections;
          samples.live.push({ at, value: await liveHeapOf(controlPlane) });
        }
        await guests.stop();
        guests = await startFleet(host, controlPlane, 2, {
          first: 1000 + (turn % 100),
          services: 5,
          outbounds: 2,
          spread: 100,
        });
      }
      await sleep(20);
    }
    await Promise.all(busy);
    const report = await load.stop();
    context.say(describeLost(report));
    for (const [name, series] of Object.entries(samples)) {
      const least = name === 'live' ? series : lowerEnvelope(settled(series), spans);
      context.say(`${name}: ${least.map(({ at, value }) => `${Math.round(at)} s ${value.toFixed(1)}`).join(', ')}`);
    }
    const last = (series: readonly Sample[]): number => series.at(-1)?.value ?? 0;
    const first = (series: readonly Sample[]): number => series[Math.floor(series.length * warmUp)]?.value ?? 0;
    // A trend needs time: that of a short soak is told, not judged.
    const judged = (bound: number, name: string, value: number, unit: string) =>
      minutes >= 60 ? atMost(bound, name, value, unit) : reported(name, value, unit);
    return [
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(0, 'calls of the API that failed', refused),
      judged(5, 'live heap of kuma-cp grows by, in an hour', trend(samples.live), 'MiB'),
      judged(5, 'least memory of kuma-cp grows by, in an hour', trendOfLeast(samples.memory), 'MiB'),
      judged(5, 'least memory of kuma-dp grows by, in an hour', trendOfLeast(samples.proxyMemory), 'MiB'),
      judged(5, 'open files of kuma-cp grow by, in an hour', trend(samples.files), ''),
      reported('all samples of memory of kuma-cp, in an hour', trend(samples.memory), 'MiB'),
      reported('all samples of memory of kuma-dp, in an hour', trend(samples.proxyMemory), 'MiB'),
      reported('live heap of kuma-cp after the warm-up', first(samples.live), 'MiB'),
      reported('live heap of kuma-cp at the end', last(samples.live), 'MiB'),
      reported('memory of kuma-cp after the warm-up', first(samples.memory), 'MiB'),
      reported('memory of kuma-cp at the end', last(samples.memory), 'MiB'),
      reported('open files at the end', last(samples.files)),
      reported('calls of the API', turn),
      reported('minutes', minutes),
    ];
  },
});

/** What of the heap is alive, after a complete collection. */
async function liveHeapOf(controlPlane: ControlPlaneHost): Promise<number> {
  const answer = await fetch(`${controlPlane.diagnosticsUrl}/debug/pprof/live`);
  const body = await answer.text();
  if (!answer.ok) throw new Error(`the live heap was not told: ${answer.status} ${body}`);
  const { heapUsed }: { readonly heapUsed: number } = JSON.parse(body);
  return heapUsed / (1 << 20);
}
