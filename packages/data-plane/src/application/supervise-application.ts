// `kuma-dp exec`: an application that lives inside of its proxy's life. It starts when Envoy serves, ends after Envoy has drained, and its exit code
// is that of kuma-dp.
import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvoyProcess } from '../envoy/envoy-process.ts';
import { type StopSignals, type SupervisedSteps, superviseEnvoy } from '../envoy/supervise-envoy.ts';
import { type ChildEnd, spawnGuarded } from '../guarded-child.ts';
import type { Log } from '../log.ts';
import { type ServicePlace, untilServed } from './service-places.ts';

/** The application and what is known of it. */
export interface Application {
  /** Its program and arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly environment: NodeJS.ProcessEnv;
  /** Where it will listen. */
  readonly places: readonly ServicePlace[];
  /** Milliseconds that it has to end after SIGTERM. */
  readonly patience: number;
}

/** Steps of the proxy that an application changes. */
export interface ApplicationSteps extends SupervisedSteps {
  /** Resolves when Envoy has its configuration and serves. */
  readonly serves: (signal: AbortSignal) => Promise<void>;
  /** Tells the control plane that nobody shall send here any more, without waiting for what is under way. */
  readonly withdraw: () => Promise<unknown>;
}

/** An application that has ended leaves nothing to drain; the others are told in this time, or not (milliseconds). */
const goodbye = 500;

/**
 * Runs both. Gives the application's code when it ends by itself or is stopped, Envoy's when Envoy ends: without it the application can reach nobody, so
 * it is stopped, too, and whoever started kuma-dp starts both again.
 */
export async function superviseApplication(
  envoy: EnvoyProcess,
  { command, environment, places, patience }: Application,
  log: Log,
  { stopSignal, hurrySignal }: StopSignals,
  steps: ApplicationSteps,
): Promise<number> {
  const [program, ...args] = command;
  const over = new AbortController();
  let ended: ChildEnd | undefined;
  let running: { readonly end: Promise<ChildEnd>; signal(name: 'SIGTERM' | 'SIGKILL'): void } | undefined;
  const start = (): Promise<ChildEnd> => {
    const { child, ended: end } = spawnGuarded(program, args, {
      stdio: ['inherit', 'inherit', 'inherit'],
      environment,
      orphan: 'TERM',
      log,
    });
    log.info('the application runs', { pid: child.pid, program });
    running = { end, signal: (name) => void child.kill(name) };
    return end.then((how) => {
      ended = how;
      log.info('the application ended', { code: how.code });
      over.abort();
      return how;
    });
  };
  const stop = async (): Promise<void> => {
    if (running === undefined || ended !== undefined) return;
    const { end, signal } = running;
    signal('SIGTERM');
    const hurried = new Promise((resolve) => hurrySignal.addEventListener('abort', resolve, { once: true }));
    const gaveUp = hurrySignal.aborted
      ? Promise.resolve()
      : Promise.race([sleep(patience, undefined, { ref: false }), hurried]);
    const killed = await Promise.race([end, gaveUp.then(() => 'late' as const)]);
    if (killed === 'late') {
      log.warn('the application did not end in time and is killed', { patience });
      signal('SIGKILL');
    }
    await end;
  };
  const code = await superviseEnvoy(
    envoy,
    log,
    { stopSignal: AbortSignal.any([stopSignal, over.signal]), hurrySignal },
    {
      ...steps,
      async announce(signal) {
        await steps.serves(signal);
        void start();
        await untilServed(places, AbortSignal.any([signal, over.signal]));
        await steps.announce(signal);
      },
      async drain(signal) {
        if (ended === undefined) {
          await steps.drain(signal);
          await stop();
        } else await Promise.race([steps.withdraw(), sleep(goodbye, undefined, { ref: false })]);
      },
    },
  );
  await stop();
  return code !== 0 || ended === undefined ? code : ended.code;
}
