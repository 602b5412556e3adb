// A zone egress of a world: its own kuma-dp and Envoy, with a zone token, registered under a free port of the loopback.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import type { ControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { programs, type World } from './world.ts';

/** A started egress. */
export interface ZoneEgress {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Drains it. */
  stop(): Promise<void>;
}

/** Token for the egresses of the zone. */
export async function zoneToken({ request }: ControlPlane): Promise<string> {
  const { status, text } = await request('POST', '/tokens/zone', {
    zone: 'default',
    scope: ['egress'],
    validFor: '1h',
  });
  if (status !== 200) throw new Error(`POST /tokens/zone answered ${status}: ${text}`);
  return text;
}

/** Starts an egress and waits until it serves. Whoever starts it ends it. */
export async function startEgress(
  { controlPlane, folder }: World,
  name: string,
  { token, port }: { readonly token?: string; readonly port?: number } = {},
): Promise<ZoneEgress> {
  const own = port ?? (await freePort());
  const tokenFile = join(folder, `${name}.token`);
  writeFileSync(tokenFile, token ?? (await zoneToken(controlPlane)), { mode: 0o600 });
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify({ type: 'ZoneEgress', name, networking: { address: '127.0.0.1', port: own } }));
  const readinessPort = await freePort();
  const process = startProcess({
    name: `kuma-dp ${name}`,
    command: programs.dataPlane,
    args: [
      'run',
      '--proxy-type=egress',
      ...['--cp-address', controlPlane.dataPlaneUrl, '--ca-cert-file', controlPlane.caCertFile],
      ...['--dataplane-file', file, '--dataplane-token-file', tokenFile, '--work-dir', join(folder, name)],
      ...['--envoy-log-level', 'warning', '--concurrency', '1', '--drain-time', '5s'],
    ],
    environment: { KUMA_READINESS_PORT: String(readinessPort) },
  });
  try {
    await waitFor(
      `${name} is ready`,
      async () => !process.running() || (await fetch(`http://127.0.0.1:${readinessPort}/ready`)).ok,
      { within: 30_000 },
    );
    if (!process.running()) throw new Error('it ended at its start');
  } catch (cause) {
    await process.stop();
    throw new Error(`the egress ${name} did not start:\n${process.output()}`, { cause });
  }
  return { name, port: own, process, stop: () => process.stop(30_000) };
}
