// `kuma-dp exec`: applications that live inside of their proxy's life, over real Envoys.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type Executed, executes } from '../harness/executed.ts';
import { isAlive, processesWith, processName } from '../harness/processes.ts';
import { answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
const { folder } = world;
const started = new Set<ChildProcess>();
after(async () => {
  for (const child of started) child.kill('SIGKILL');
  await world.close();
});
const backend = await world.start({ service: 'backend' });
const exec = executes(world, started);
const serverProgram = join(import.meta.dirname, '../harness/plain-server.ts');

const envoysOf = ({ name }: Executed): readonly number[] =>
  processesWith(`${folder}/${name}/bootstrap.yaml`).filter((pid) => processName(pid) === 'envoy');
const applicationOf = ({ stderr }: Executed): number =>
  Number(
    stderr()
      .match(/"pid":(\d+)[^\n]*the application runs|the application runs[^\n]*"pid":(\d+)/)
      ?.slice(1)
      .find(Boolean) ?? 0,
  );

test('a job calls a service as its first act, its output and its exit code are its own, and it is over with it', async (context) => {
  const job = await exec({
    name: 'job',
    application: (outbound) => ['sh', '-c', `curl -s http://127.0.0.1:${outbound}/hello && date +%s%3N >&2; exit 7`],
  });
  assert.equal(await job.exited, 7, job.stderr());
  assert.equal(job.stdout(), 'backend-1');
  const [end = ''] = job.stderr().match(/^\d{13}$/m) ?? [];
  context.diagnostic(`kuma-dp ended ${Date.now() - Number(end)} ms after the job`);
  assert.deepEqual(envoysOf(job), []);
});

test('a service is called once it listens, drains before it is told to end, and its code is passed on', async () => {
  const [servicePort, inboundPort] = [await freePort(), await freePort()];
  const client = await world.start({ service: 'client', calls: ['server'] });
  // It takes its time to listen, and says when it was told to end.
  const script = `trap 'echo told to end; kill $child; exit 5' TERM; sleep 1; ${process.execPath} ${serverProgram} http 127.0.0.1 ${servicePort} server & child=$!; wait $child`;
  const server = await exec({ name: 'server', servicePort, inboundPort, application: () => ['bash', '-c', script] });
  await answers(client.urlOf('server'), 200, 20_000);
  assert.match(await (await fetch(client.urlOf('server'))).text(), /^server from/);
  server.child.kill('SIGTERM');
  assert.equal(await server.exited, 5, server.stderr());
  assert.match(server.stdout(), /told to end/);
  const log = server.stderr();
  assert.ok(log.includes('drained') && log.indexOf('drained') < log.indexOf('the application ended'), log);
  assert.deepEqual(envoysOf(server), []);
});

test('an application that does not end is killed when its time is over', async () => {
  const deaf = await exec({
    name: 'deaf',
    flags: ['--application-stop-timeout', '500ms'],
    application: () => ['bash', '-c', "trap '' TERM; echo up; while :; do sleep 0.1; done"],
  });
  await waitFor('it runs', () => deaf.stdout().includes('up'));
  deaf.child.kill('SIGTERM');
  assert.equal(await deaf.exited, 137, deaf.stderr());
  assert.match(deaf.stderr(), /the application did not end in time and is killed/);
});

test('when Envoy dies the application is ended, too, and the code tells of Envoy', async () => {
  const victim = await exec({ name: 'victim', application: () => ['sleep', '600'] });
  const application = await waitFor('it runs', () => applicationOf(victim));
  const envoy = await waitFor('Envoy runs', () => envoysOf(victim)[0]);
  process.kill(envoy, 'SIGKILL');
  assert.equal(await victim.exited, 137, victim.stderr());
  assert.equal(isAlive(application), false);
});

test('kill -9 of kuma-dp leaves neither Envoy nor the application', async () => {
  const killed = await exec({ name: 'killed', application: () => ['sleep', '600'] });
  const application = await waitFor('it runs', () => applicationOf(killed));
  const envoy = await waitFor('Envoy runs', () => envoysOf(killed)[0]);
  killed.child.kill('SIGKILL');
  await waitFor('both are gone', () => !isAlive(envoy) && !isAlive(application));
});

test('a program that is not there ends with 127, as in a shell', async () => {
  const missing = await exec({ name: 'missing', application: () => ['no-such-program'] });
  assert.equal(await missing.exited, 127, missing.stderr());
  assert.match(missing.stderr(), /no-such-program.*was not found: it is in no folder of PATH/);
  assert.doesNotMatch(missing.stderr(), /Envoy runs/);
});

test('the proxy that others use serves on', async () => {
  assert.ok(backend.proxy.process.running());
});
