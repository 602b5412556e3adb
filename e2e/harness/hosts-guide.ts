// Guides whose hosts are network namespaces: each block says on which host it is typed, and is run there as it stands, addresses and ports aside.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from './guide.ts';
import type { Host, Hosts } from './hosts.ts';
import { openWorld, programs } from './world.ts';

/** Programs by the names that the guide calls them by, for every user. */
function writePrograms(hosts: Hosts): string {
  const folder = join(hosts.folder, 'bin');
  mkdirSync(folder);
  const write = (name: string, line: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const words = (command: readonly string[]): string => hosts.visible(command).join(' ');
  write('kumactl', `exec ${words(programs.kumactl)} "$@"`);
  write('kuma-dp', `exec ${words(programs.dataPlane)} "$@"`);
  write('kuma-cp', `exec ${words(programs.controlPlane)} "$@"`);
  write('sudo', 'exec "$@"');
  return folder;
}

/** On its own machine kumactl finds the control plane at the usual port, which is another one here. */
function writeConfiguration(home: string, apiUrl: string): void {
  mkdirSync(join(home, '.kumactl'), { recursive: true });
  const configuration = {
    controlPlanes: [{ name: 'here', coordinates: { apiServer: { url: apiUrl } } }],
    contexts: [{ name: 'here', controlPlane: 'here' }],
    currentContext: 'here',
  };
  writeFileSync(join(home, '.kumactl', 'config'), JSON.stringify(configuration));
}

/** Ends what runs on a host, in order: kuma-dp takes its Envoy along. */
async function endAll(host: string): Promise<void> {
  const pids = (): readonly number[] =>
    execFileSync('ip', ['netns', 'pids', host], { encoding: 'utf8' }).split('\n').filter(Boolean).map(Number);
  for (const pid of pids()) process.kill(pid, 'SIGTERM');
  // A control plane gives its proxies ten seconds.
  await waitFor(`nothing runs on ${host}`, () => pids().length === 0, { within: 30_000 });
}

/** A control plane on the machine of the test, and what a guide has to call differently because of it. */
async function openControlPlane(context: TestContext, hosts: Hosts): Promise<readonly (readonly [string, string])[]> {
  const world = await openWorld();
  context.after(() => world.close());
  const { apiUrl, dataPlaneUrl, caCertFile } = world.controlPlane;
  copyFileSync(caCertFile, join(hosts.folder, 'kuma-cp.crt'));
  chmodSync(join(hosts.folder, 'kuma-cp.crt'), 0o644);
  writeConfiguration(homeOf(hosts, onControlPlane), apiUrl);
  return [
    ['192.0.2.1:5678', `${hosts.ipv4}:${new URL(dataPlaneUrl).port}`],
    ['192.0.2.1:5681', `${hosts.ipv4}:${new URL(apiUrl).port}`],
  ];
}

const onControlPlane = 'on the control plane';

function homeOf(hosts: Hosts, place: string): string {
  return join(hosts.folder, `home-${place.replaceAll(' ', '-')}`);
}

/**
 * Runs every block of a guide. `machines`: the hosts by the words with which a block names them; what is typed on the control plane is run here. A guide
 * that starts the control plane itself, on one of the hosts, finds none.
 */
export async function runHostsGuide(
  context: TestContext,
  guide: string,
  hosts: Hosts,
  machines: Readonly<Record<string, Host>>,
  startsControlPlane = false,
): Promise<void> {
  context.after(async () => {
    // kuma-dp was started in the background by a shell of the guide: whatever still runs on the hosts has to end.
    for (const { name } of Object.values(machines)) await endAll(name);
  });
  // The guide's addresses are for documentation, and its ports are the usual ones.
  const replacements = startsControlPlane ? [] : await openControlPlane(context, hosts);
  const adapt = (text: string): string =>
    [...replacements, ['192.0.2.', '10.77.0.'] as const].reduce((done, [from, to]) => done.replaceAll(from, to), text);
  const path = writePrograms(hosts);
  const steps = readGuide(guide);
  assert.ok(steps.length >= 4);
  for (const { line, commands, prints } of steps) {
    await context.test(`line ${line}`, async () => {
      const place = commands.match(/^# (on the [a-z ]+)\n/)?.[1] ?? '';
      const host = machines[place];
      assert.ok(host !== undefined || place === onControlPlane, `line ${line} does not say on which host`);
      mkdirSync(homeOf(hosts, place), { recursive: true });
      const script = [
        'exec 2>&1; set -e',
        `export KUMA_DATAPLANE_RUNTIME_BINARY_PATH=${hosts.envoy} KUMA_DATAPLANE_DRAIN_TIME=1s`,
        `export PATH=${path}:$PATH HOME=${homeOf(hosts, place)}; cd ${hosts.folder}`,
        adapt(commands),
      ].join('\n');
      const output =
        host === undefined ? execFileSync('bash', ['-c', script], { encoding: 'utf8' }) : await host.shell(script);
      assert.equal(missingLine(output, prints), undefined, output);
    });
  }
}
