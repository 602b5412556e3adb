// The demo at a terminal: says what runs and what to try, starts a killed control plane again, and ends at Ctrl-C.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Programs } from './programs.ts';
import { type Demo, startDemo } from './start-demo.ts';

/** What the terminal gives. */
export interface RunDemoOptions {
  readonly programs: Programs;
  readonly usualPorts: boolean;
  readonly write: (text: string) => void;
  /** How the user calls kumactl; `npx kumactl` when left out. */
  readonly kumactl?: string;
  /** Aborted when the demo has to end. */
  readonly end: AbortSignal;
}

/** How long a killed control plane stays away: long enough to see that traffic goes on. */
const restartDelay = 10_000;

/** Runs the demo until it is told to end. Gives the exit code. */
export async function runDemo(options: RunDemoOptions): Promise<number> {
  const say = (line: string): void => options.write(`${line}\n`);
  const began = performance.now();
  let demo: Demo;
  try {
    demo = await startDemo({
      programs: options.programs,
      usualPorts: options.usualPorts,
      report: (line) => say(`  ${line}`),
    });
  } catch (error) {
    say(`the demo did not start: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  say(describeDemo(demo, performance.now() - began, options.kumactl));
  void keepControlPlane(demo, say, options.end);
  if (!options.end.aborted)
    await new Promise((resolve) => options.end.addEventListener('abort', resolve, { once: true }));
  say('\nstopping…');
  await demo.stop();
  say('nothing is left running');
  return 0;
}

/** What runs and what to do next. */
export function describeDemo(demo: Demo, milliseconds: number, kumactl = 'npx kumactl'): string {
  const { controlPlane, proxies, pageUrl } = demo;
  const proxyLines = proxies.map(
    (proxy) => `  ${proxy.name.padEnd(18)} kuma-dp, process ${proxy.process.pid}, with its Envoy`,
  );
  const connect =
    new URL(controlPlane.apiUrl).port === '5681'
      ? []
      : [`  ${kumactl} config control-planes add --name demo --address ${controlPlane.apiUrl}`];
  return [
    '',
    `Open ${pageUrl} - every count travels over mutual TLS.  (up in ${(milliseconds / 1000).toFixed(1)} s)`,
    '',
    `  control plane      kuma-cp, process ${controlPlane.process().pid}, API at ${controlPlane.apiUrl}`,
    ...proxyLines,
    '',
    'Try next, in another terminal:',
    ...connect,
    `  ${kumactl} get dataplanes`,
    `  ${kumactl} delete meshtrafficpermission allow-counter      the page says 403 within a second`,
    `  kill -9 ${controlPlane.process().pid}                                   traffic goes on; it comes back after ${restartDelay / 1000} s`,
    '  more in docs/guide/first-five-minutes.md',
    '',
    'Ctrl-C ends everything.',
  ].join('\n');
}

/** Starts the control plane again when somebody has killed it, until the demo ends. */
async function keepControlPlane(demo: Demo, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      await demo.controlPlane.process().exited;
      if (signal.aborted) return;
      say(`the control plane is gone; traffic goes on. It comes back in ${restartDelay / 1000} s`);
      await sleep(restartDelay, undefined, { signal });
      await demo.controlPlane.restart();
      say(`the control plane is back as process ${demo.controlPlane.process().pid}`);
    }
  } catch (error) {
    if (!signal.aborted)
      say(`the control plane did not come back: ${error instanceof Error ? error.message : String(error)}`);
  }
}
