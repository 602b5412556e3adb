// The demo: a control plane and two services, each behind its own Envoy, with mutual TLS and one permission. Everything on this host, without
// root, in a temporary folder; `stop` leaves nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCounter } from '../counter/counter.ts';
import { openKeyValueStore } from '../key-value-store/key-value-store.ts';
import type { RunningService } from '../service.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { freePort } from './free-ports.ts';
import type { Programs } from './programs.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
import { allowCounter, meshWithMutualTls } from './resources.ts';
import { waitFor } from './wait-for.ts';

/** What the demo needs. */
export interface DemoOptions {
  readonly programs: Pick<Programs, 'controlPlane' | 'dataPlane'>;
  /** Whether to take the usual ports where they are free. */
  readonly usualPorts: boolean;
  /** Told what happens, a line at a time. */
  readonly report: (line: string) => void;
}

/** The running demo. */
export interface Demo {
  /** The counter's page. */
  readonly pageUrl: string;
  readonly controlPlane: ControlPlane;
  readonly proxies: readonly RunningProxy[];
  /** Ends everything and removes the files. */
  stop(): Promise<void>;
}

const usual = { page: 5000, store: 5050 };

/** Starts the demo. When it cannot, nothing stays behind. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { programs, report } = options;
  const folder = mkdtempSync(join(tmpdir(), 'ursa-demo-'));
  const proxies: RunningProxy[] = [];
  const services: RunningService[] = [];
  let controlPlane: ControlPlane | undefined;
  // First the proxies, so that the control plane still hears them leave.
  const stop = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(services.map((service) => service.close()));
    await controlPlane?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const pick = (port: number): Promise<number> => freePort(options.usualPorts ? port : undefined);
  try {
    const ports = { page: await pick(usual.page), outbound: await pick(usual.store), store: await freePort() };
    controlPlane = await startControlPlane({ command: programs.controlPlane, folder, usualPorts: options.usualPorts });
    report('control plane runs');
    await controlPlane.apply(meshWithMutualTls);
    await controlPlane.apply(allowCounter);
    services.push(await openKeyValueStore(ports.store));
    services.push(await openCounter(ports.page, `http://127.0.0.1:${ports.outbound}`));
    const common = { command: programs.dataPlane, controlPlane, folder, drainTime: '1s' };
    const start = async (proxy: Pick<ProxyOptions, 'service' | 'servicePort' | 'outbounds'>): Promise<void> => {
      proxies.push(
        await startProxy({ ...common, ...proxy, name: `${proxy.service}-1`, inboundPort: await freePort() }),
      );
    };
    const starting = [
      start({ service: 'key-value-store', servicePort: ports.store }),
      start({ service: 'counter', servicePort: ports.page, outbounds: { 'key-value-store': ports.outbound } }),
    ];
    // Both, even when one fails: what has started must be known to be stopped.
    for (const outcome of await Promise.allSettled(starting)) if (outcome.status === 'rejected') throw outcome.reason;
    report('both proxies run');
    const pageUrl = `http://127.0.0.1:${ports.page}`;
    await waitFor('the counter reaches the store', async () => (await fetch(`${pageUrl}/counter`)).ok, {
      within: 15_000,
    });
    return { pageUrl, controlPlane, proxies, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
