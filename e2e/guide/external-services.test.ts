// The guide to services outside of the mesh: its commands work as written, against a control plane and an egress of their own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { missingLine, readGuide } from '../harness/guide.ts';
import { isAlive } from '../harness/processes.ts';
import { meshWith, openWorld, programs } from '../harness/world.ts';

const root = join(import.meta.dirname, '../..');
const world = await openWorld();
const { controlPlane, folder } = world;
const pidFile = join(folder, 'egress.pid');

after(async () => {
  const egress = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  if (egress > 0 && isAlive(egress)) {
    for (let signal = 0; signal < 2; signal += 1) process.kill(egress, 'SIGTERM');
    await waitFor('the egress has ended', async () => !isAlive(egress), { within: 20_000 });
  }
  await world.close();
});

const word = (command: readonly string[]): string => command.map((part) => `'${part}'`).join(' ');
const prelude = `npx() { local name=$1; shift; case $name in
  kumactl) ${word(programs.kumactl)} "$@";;
  kuma-dp) HOME='${homedir()}' exec ${word(programs.dataPlane)} "$@" --work-dir='${join(folder, 'egress')}';;
  *) echo "the guide uses npx $name"; return 127;; esac; }`;

function shell(commands: string, environment: Readonly<Record<string, string>>): Promise<readonly [number, string]> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...environment }, timeout: 20_000 };
    execFile('bash', ['-c', `${prelude}\nexec 2>&1; set -eo pipefail\n${commands}`], options, (error, stdout) =>
      resolve([error === null ? 0 : Number(error.code ?? 1), stdout]),
    );
  });
}

test('each block of the guide does what it says', async () => {
  await controlPlane.apply(meshWith('STRICT'));
  await world.start({ service: 'web', outside: ['payments'] });
  const egressFile = 'docs/guide/external-services/egress.yaml';
  const ownFile = join(folder, 'egress.yaml');
  writeFileSync(ownFile, readFileSync(join(root, egressFile), 'utf8').replace('10002', String(await freePort())));
  const environment = { HOME: folder, KUMA_READINESS_PORT: String(await freePort()) };
  const add = `npx kumactl config control-planes add --name guide --address ${controlPlane.apiUrl}`;
  assert.deepEqual((await shell(add, environment))[0], 0);
  const steps = readGuide(join(root, 'docs/guide/external-services.md'));
  assert.ok(steps.length >= 4, 'the guide has commands');
  for (const { line, commands, prints } of steps) {
    const here = commands
      .replaceAll('https://localhost:5678', controlPlane.dataPlaneUrl)
      .replaceAll('kuma-cp.crt', controlPlane.caCertFile)
      .replaceAll(egressFile, ownFile);
    const [code, printed] = await shell(here, environment);
    assert.equal(code, 0, `line ${line}: ${commands}\n${printed}`);
    assert.equal(missingLine(printed, prints), undefined, `line ${line}: ${commands}\n${printed}`);
  }
});
