// F22: abuse of HTTP at every port of the control plane, without any token. The process must live, answer others, and forget it all afterwards.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { addHost, type Host } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { memoryOf, openFilesOf } from '../harness/process-memory.ts';
import { startAsking } from '../harness/responsiveness.ts';
import { openWorld } from '../harness/world.ts';

const api = 5681;
const apiTls = 5682;
const proxies = 5678;
const attacks: readonly (readonly [kind: string, port: number])[] = [
  ['slowloris', api],
  ['slow body', api],
  ['idle connections', api],
  ['rapid reset', apiTls],
  ['continuation flood', apiTls],
  ['HPACK bomb', apiTls],
  ['empty frames', apiTls],
  ['rapid reset', proxies],
  ['continuation flood', proxies],
  ['HPACK bomb', proxies],
  ['empty frames', proxies],
];
const seconds = 4;

function attack(host: Host, kind: string, target: string, port: number): Promise<void> {
  const program = join(import.meta.dirname, '..', 'harness', 'hostile-client.ts');
  const [command = '', ...args] = host.command([
    process.execPath,
    program,
    kind,
    target,
    String(port),
    String(seconds),
  ]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** The fault. */
export const fault = defineFault({
  id: 'F22',
  title: 'abuse of HTTP: slowloris, 10,000 connections, rapid reset, CONTINUATION flood, HPACK bomb',
  how: `${attacks.length} attacks of ${seconds} s each, one after another, with frames written by hand`,
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane, services } = world;
    const process = controlPlane.process();
    const bad = addHost('hostile');
    const load = await world.load();
    let crashes = 0;
    let unanswered = 0;
    let slowest = 0;
    const before = { ...memoryOf(process.pid), files: openFilesOf(process.pid) };
    for (const [kind, port] of attacks) {
      const asking = startAsking(`${controlPlane.diagnosticsUrl}/healthy`, 20, 2000);
      await attack(bad, kind, controlPlane.host.address, port);
      const asked = await asking.stop();
      unanswered += asked.unanswered;
      slowest = Math.max(slowest, asked.most);
      context.say(`${kind}: others waited ${Math.round(asked.median)} ms, at most ${Math.round(asked.most)} ms`);
      if (!process.running()) {
        crashes += 1;
        context.say(process.output().slice(-1000));
        await controlPlane.start();
      }
    }
    await sleep(3000);
    const after = { ...memoryOf(controlPlane.process().pid), files: openFilesOf(controlPlane.process().pid) };
    const connected = await Promise.all(services.map((service) => service.connected()));
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'crashes', crashes),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(0, 'proxies that lost their control plane', connected.filter((each) => !each).length),
      reported('questions of others without an answer in 2 s', unanswered),
      reported('slowest answer to others', slowest, 'ms'),
      reported('most memory', after.peak, 'MiB'),
      reported('files left open', after.files - before.files),
    ];
  },
});
