// Reports of usage to a server of the operator's own choice: at the start and every hour. Nothing of the mesh depends on them.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { UsageReport } from './usage-report.ts';

export interface UsageReportsOptions {
  /** Where they are posted to, as JSON. */
  readonly url: string;
  readonly clock: Clock;
  readonly report: (signal: 'start' | 'ping') => UsageReport;
  /** Told of each report that was not taken. */
  readonly onFailure: (error: unknown) => void;
  /** The platform's `fetch`, or a test's. */
  readonly send?: typeof fetch;
}

const pause = 3_600_000;
const timeLimit = 10_000;

/** The component. */
export function usageReports({ url, clock, report, onFailure, send = fetch }: UsageReportsOptions): Component {
  let timer: { stop(): void } | undefined;
  let sending: Promise<void> = Promise.resolve();
  const post = async (signal: 'start' | 'ping'): Promise<void> => {
    try {
      const response = await send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(report(signal)),
        // A report goes where the setting says, nowhere else.
        redirect: 'error',
        signal: AbortSignal.timeout(timeLimit),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    } catch (error) {
      onFailure(error);
    }
  };
  const reportNow = (signal: 'start' | 'ping'): void => {
    sending = sending.then(() => post(signal));
    timer = clock.at(clock.now() + pause, () => reportNow('ping'));
  };
  return {
    name: 'usage-reports',
    async start() {
      reportNow('start');
    },
    async stop() {
      timer?.stop();
      await sending;
    },
  };
}
