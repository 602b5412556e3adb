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
import { type RunningProxy, startProxy } from './proxy.ts';
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
  // Ended in reverse: first the proxies, so that the control plane still hears them leave.
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const parts of [started.filter((part) => 'process' in part && 'readinessUrl' in part), started]) {
      await Promise.all(parts.map((part) => part.stop()));
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const service = (running: RunningService): RunningService => {
    started.push({ stop: () => running.close() });
    return running;
  };
  const pick = (port: number): Promise<number> => freePort(options.usualPorts ? port : undefined);
  try {
    const storePort = await freePort();
    const storeInbound = await freePort();
    const counterPort = await pick(usual.page);
    const counterInbound = await freePort();
    const storeOutbound = await pick(usual.store);
    const controlPlane = await startControlPlane({
      command: programs.controlPlane,
      folder,
      usualPorts: options.usualPorts,
    });
    started.push(controlPlane);
    report('control plane runs');
    await controlPlane.apply(meshWithMutualTls);
    await controlPlane.apply(allowCounter);
    service(await openKeyValueStore(storePort));
    service(await openCounter(counterPort, `http://127.0.0.1:${storeOutbound}`));
    const proxy = { command: programs.dataPlane, controlPlane, folder, drainTime: '1s' };
    const proxies = await Promise.all([
      startProxy({
        ...proxy,
        name: 'key-value-store-1',
        service: 'key-value-store',
        servicePort: storePort,
        inboundPort: storeInbound,
      }),
      startProxy({
        ...proxy,
        name: 'counter-1',
        service: 'counter',
        servicePort: counterPort,
        inboundPort: counterInbound,
        outbounds: { 'key-value-store': storeOutbound },
      }),
    ]);
    started.push(...proxies);
    report('both proxies run');
    const pageUrl = `http://127.0.0.1:${counterPort}`;
    await waitFor('the counter reaches the store', async () => (await fetch(`${pageUrl}/counter`)).ok, {
      within: 15_000,
    });
    return { pageUrl, controlPlane, proxies, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
