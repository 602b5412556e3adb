// Applications behind `kuma-dp exec`, for stories about them.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../examples/demo/free-ports.ts';
import { dataplaneOf } from '../../examples/demo/proxy.ts';
import { programs, type World } from './world.ts';

/** One that runs. */
export interface Executed {
  readonly child: ChildProcess;
  readonly name: string;
  readonly outbound: number;
  /** Kept apart: the standard output is the application's. */
  stdout(): string;
  stderr(): string;
  readonly exited: Promise<number | null>;
}

/** What is run. */
export interface ExecuteOptions {
  readonly name: string;
  /** Its service; that of its name when left out. */
  readonly service?: string;
  /** Program and arguments; `outbound` is the local port of the service `backend`. */
  readonly application: (outbound: number) => readonly string[];
  readonly servicePort?: number;
  readonly inboundPort?: number;
  readonly flags?: readonly string[];
}

/** Starts applications in a world. `started` gets each process, so that the story can end them. */
export function executes({ controlPlane, folder }: World, started: Set<ChildProcess>) {
  return async ({ name, service = name, application, flags = [], ...ports }: ExecuteOptions): Promise<Executed> => {
    const outbound = await freePort();
    const { servicePort = await freePort(), inboundPort = await freePort() } = ports;
    const dataplane = dataplaneOf({ name, service, outbounds: { backend: outbound }, servicePort, inboundPort });
    const file = (ending: string, content: string): string => {
      const path = join(folder, `${name}.${ending}`);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const [program = '', ...leading] = programs.dataPlane;
    const child = spawn(
      program,
      [
        ...[...leading, 'exec', '--cp-address', controlPlane.dataPlaneUrl, '--ca-cert-file', controlPlane.caCertFile],
        ...['--dataplane-file', file('yaml', JSON.stringify(dataplane)), '--work-dir', join(folder, name)],
        ...['--dataplane-token-file', file('token', await controlPlane.dataplaneToken('default', name))],
        ...['--concurrency', '1', '--drain-time', '5s', '--envoy-log-level', 'warning', ...flags],
        ...['--', ...application(outbound)],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, KUMA_READINESS_PORT: String(await freePort()) } },
    );
    started.add(child);
    const texts = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk: Buffer) => (texts.stdout += chunk));
    child.stderr?.on('data', (chunk: Buffer) => (texts.stderr += chunk));
    const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    return { child, name, outbound, stdout: () => texts.stdout, stderr: () => texts.stderr, exited };
  };
}
