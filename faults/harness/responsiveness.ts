// How long the control plane keeps others waiting: a cheap question, asked again and again over one connection.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Answers in milliseconds. */
export interface Responsiveness {
  readonly asked: number;
  readonly unanswered: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

/** A running questioner. */
export interface Questioner {
  stop(): Promise<Responsiveness>;
}

/** Starts to ask. A question without an answer in `patience` milliseconds counts as unanswered. */
export function startAsking(url: string, interval = 5, patience = 10_000): Questioner {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  let unanswered = 0;
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const started = performance.now();
      if (await answers(url, agent, patience)) times.push(performance.now() - started);
      else unanswered += 1;
      await sleep(interval);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      agent.destroy();
      const sorted = times.toSorted((one, other) => one - other);
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return {
        asked: sorted.length + unanswered,
        unanswered,
        median: at(0.5),
        p99: at(0.99),
        most: sorted.at(-1) ?? 0,
      };
    },
  };
}

function answers(url: string, agent: Agent, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { agent, timeout: patience }, (response) => {
      response.on('end', () => resolve(true));
      response.on('error', () => resolve(false));
      response.resume();
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(false));
    call.end();
  });
}
