// F15: certificates that live 30 seconds, a control plane that is killed every 10 seconds, and at last another authority. No handshake may fail.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { expiredCertificates, failedHandshakes } from '../harness/tls-state.ts';
import { openWorld, strictMesh } from '../harness/world.ts';

const lifetime = '30s';
/** With fewer, on a machine where a start takes long, it would say little. */
const fewestRestarts = 5;
const backend = (name: string) => ({
  name,
  type: 'builtin',
  mode: 'STRICT',
  dpCert: { rotation: { expiration: lifetime } },
});
const meshOf = (enabledBackend: string, ...names: readonly string[]) => ({
  ...strictMesh,
  mtls: { enabledBackend, backends: names.map(backend) },
});

/** Writes the mesh and waits until every proxy has what follows from it. */
async function rollOut(controlPlane: ControlPlaneHost, mesh: ReturnType<typeof meshOf>): Promise<void> {
  await controlPlane.apply(mesh);
  await controlPlane.request('GET', '/_rollout?wait=30s', undefined, 40_000);
}

/** The fault. */
export const fault = defineFault({
  id: 'F15',
  title:
    'certificates of 30 s, control plane killed every 10 s; then another authority is added, enabled, and the old one dropped',
  how: `built-in authorities; for 65 s, with --long for 10 minutes, and for ${fewestRestarts} restarts at least`,
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context, { mesh: meshOf('ca-1', 'ca-1') });
    const { controlPlane, services } = world;
    const load = await world.load();
    const before = await failedHandshakes(services);
    const end = performance.now() + (context.long ? 600_000 : 65_000);
    let expired = 0;
    let restarts = 0;
    let away = 0;
    const watchExpiry = async (milliseconds: number): Promise<void> => {
      const until = performance.now() + milliseconds;
      while (performance.now() < until) {
        expired += await expiredCertificates(services);
        await sleep(500);
      }
    };
    while (performance.now() < end || restarts < fewestRestarts) {
      const killed = performance.now();
      await controlPlane.kill();
      await sleep(500);
      await controlPlane.start();
      away = Math.max(away, (performance.now() - killed) / 1000);
      restarts += 1;
      await watchExpiry(10_000);
    }
    for (const mesh of [meshOf('ca-1', 'ca-1', 'ca-2'), meshOf('ca-2', 'ca-1', 'ca-2'), meshOf('ca-2', 'ca-2')]) {
      await rollOut(controlPlane, mesh);
      await watchExpiry(3000);
    }
    const failed = (await failedHandshakes(services)) - before;
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'TLS handshakes failed', failed),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(0, 'times an expired certificate was in use', expired),
      reported('restarts of the control plane', restarts),
      // Nobody issues a certificate meanwhile, however soon the one in use expires.
      reported('longest time without a control plane', away, 's'),
      reported('requests sent', report.sent),
    ];
  },
});
