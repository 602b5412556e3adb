// Certificates of half a minute while the control plane is started anew every ten seconds, or as soon as it has done its work where that takes longer: no
// Envoy ever shows one that has ended. A minute by default; as long as is asked for with URSA_E2E_MINUTES=10 node --test e2e/ca-rotation/short-certificates.test.ts
import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { failedHandshakes, servedCertificate } from '../harness/handshakes.ts';
import { allowAll, answers, openWorld } from '../harness/world.ts';

const minutes = Number(process.env.URSA_E2E_MINUTES ?? '1');
const restartEvery = 10_000;
const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;

await controlPlane.apply(allowAll);
const dpCert = { rotation: { expiration: '30s' } };
const mtls = { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin', dpCert }] };
await controlPlane.apply({ type: 'Mesh', name: 'default', mtls });
const backend = await world.start({ service: 'backend', protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const services = [backend, client];
await answers(client.urlOf('backend'), 200);

test('no certificate that is shown has ended, and no request is lost', async () => {
  const load = world.load({ url: client.urlOf('backend'), perSecond: 100, newConnections: true });
  const serials = new Set<string>();
  const current = new Map<string, string>();
  const ended: string[] = [];
  const look = async (): Promise<void> => {
    for (const service of services) {
      const { serialNumber, notAfter } = await servedCertificate(service);
      serials.add(`${service.name} ${serialNumber}`);
      current.set(service.name, serialNumber);
      if (notAfter <= Date.now()) ended.push(`${service.name}: ${new Date(notAfter).toISOString()}`);
    }
  };
  const end = Date.now() + minutes * 60_000;
  let restarts = 0;
  let nextRestart = Date.now() + restartEvery;
  let replaced: ReadonlyMap<string, string> = new Map();
  let killedAt: number | undefined;
  /** From the end of a control plane until the proxies have certificates of the next one: longer than these live, and the machine has lost the requests. */
  let longestAbsence = 0;
  while (Date.now() < end) {
    await look();
    // A control plane that is killed before proxies have come back to it was none: they would be without one for longer than certificates live.
    const isDone = services.every(({ name }) => current.get(name) !== replaced.get(name));
    if (isDone && killedAt !== undefined) {
      longestAbsence = Math.max(longestAbsence, Date.now() - killedAt);
      killedAt = undefined;
    }
    if (isDone && Date.now() >= nextRestart) {
      replaced = new Map(current);
      killedAt = Date.now();
      controlPlane.process().signal(restarts % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await controlPlane.restart();
      restarts += 1;
      nextRestart = Math.max(nextRestart + restartEvery, Date.now());
    }
    await sleep(200);
  }
  if (killedAt !== undefined) longestAbsence = Math.max(longestAbsence, Date.now() - killedAt);
  const { sent, failures } = await load.stop();
  const outcome = `${minutes} min, ${restarts} restarts, ${serials.size} certificates, ${sent} requests, control planes away for up to ${longestAbsence} ms`;
  const handshakes = await Promise.all(
    services.map(async (service) => [service.name, await failedHandshakes(service)]),
  );
  // All at once: a request that is lost while every certificate was good and no handshake failed was lost by something else.
  assert.deepEqual(
    { failures, ended, handshakes },
    { failures: [], ended: [], handshakes: services.map(({ name }) => [name, []]) },
    `${outcome}, ${failures.length} failed, load of the machine ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}`,
  );
  assert.ok(restarts >= minutes, `${restarts} restarts`);
  assert.ok(serials.size > services.length * minutes, `${serials.size} certificates`);
  console.log(`${outcome}, 0 failed`);
});
