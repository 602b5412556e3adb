// Stays with a running Envoy until it ends or has to: announces it, drains it, stops it.
import type { Log } from '../log.ts';
import type { EnvoyProcess } from './envoy-process.ts';

/** What happens to the proxy on the way. The signals are aborted when the step has become pointless. */
export interface SupervisedSteps {
  /** Tells the others that this proxy serves. */
  readonly announce: (signal: AbortSignal) => Promise<void>;
  /** From now on the proxy is not ready. */
  readonly markTerminating: () => void;
  readonly drain: (signal: AbortSignal) => Promise<void>;
}

/** When to stop. */
export interface StopSignals {
  readonly stopSignal: AbortSignal;
  readonly hurrySignal: AbortSignal;
}

const killAfter = 5000;

/** Waits for Envoy's end, which gives its code, or for the signal to stop it, which gives 0. */
export async function superviseEnvoy(
  envoy: EnvoyProcess,
  log: Log,
  { stopSignal, hurrySignal }: StopSignals,
  steps: SupervisedSteps,
): Promise<number> {
  const stopAsked = new Promise<undefined>((resolve) => {
    if (stopSignal.aborted) resolve(undefined);
    stopSignal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const gone = new AbortController();
  void envoy.exited.then(() => gone.abort());
  // Ends by itself when Envoy does, or when it is time to leave.
  const announced = steps.announce(AbortSignal.any([gone.signal, stopSignal])).catch(() => undefined);
  const ended = await Promise.race([envoy.exited, stopAsked]);
  if (ended !== undefined) {
    log.error(`${ended.reason}; kuma-dp ends with it`, { code: ended.code });
    return ended.code === 0 ? 1 : ended.code;
  }
  log.info('stops: it is not ready any more');
  steps.markTerminating();
  // "Ready" must not arrive after "leaving".
  await announced;
  await steps.drain(AbortSignal.any([gone.signal, hurrySignal]));
  envoy.stop('SIGTERM');
  const killer = setTimeout(() => envoy.stop('SIGKILL'), killAfter);
  const { reason } = await envoy.exited;
  clearTimeout(killer);
  log.info('stopped', { reason });
  return 0;
}
