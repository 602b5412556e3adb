// Steady traffic that counts what fails.
import { Agent, request } from 'node:http';

/** What came of it. */
export interface LoadReport {
  readonly sent: number;
  /** Answers by body, for requests that succeeded. */
  readonly answers: Readonly<Record<string, number>>;
  /** What went wrong, one text a request: a status other than 200, or why there was no answer. */
  readonly failures: readonly string[];
}

/** Running traffic. */
export interface Load {
  report(): LoadReport;
  /** Ends it; requests under way are waited for. */
  stop(): Promise<LoadReport>;
}

/** How much of what. */
export interface LoadOptions {
  readonly url: string;
  readonly perSecond: number;
  /** A connection for each request instead of a few kept ones. */
  readonly newConnections?: boolean;
}

const answerPatience = 10_000;
/** Milliseconds between two rounds of sending. */
const round = 5;
// A pause that is shorter says nothing.
const longPause = 100;

/** Starts to send. Requests start at the rate whether or not earlier ones have been answered. */
export function startLoad({ url, perSecond, newConnections = false }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: !newConnections, maxSockets: 64 });
  const answers: Record<string, number> = {};
  const failures: string[] = [];
  const open = new Set<Promise<void>>();
  let sent = 0;
  const started = performance.now();
  const pauses: { readonly end: number; readonly length: number }[] = [];
  let lastRound = started;
  /** A client that gets no CPU time finds no answers either: whoever reads of a failure must be able to tell the two apart. */
  const withoutAnswer = (): string => {
    const since = performance.now() - answerPatience;
    const lengths = pauses.filter(({ end }) => end > since).map(({ length }) => Math.round(length));
    const own = `${lengths.length} pauses of this client, the longest of ${Math.max(0, ...lengths)} ms`;
    return `no answer in ${answerPatience / 1000} s, with ${own}; ${open.size} requests are open`;
  };
  const send = (): Promise<void> =>
    new Promise((resolve) => {
      const fail = (reason: string): void => {
        failures.push(`${Math.round(performance.now() - started)} ms: ${reason}`);
        resolve();
      };
      const call = request(url, { agent, timeout: answerPatience }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          if (response.statusCode !== 200) return fail(`${response.statusCode} ${text}`);
          answers[text] = (answers[text] ?? 0) + 1;
          resolve();
        });
      });
      call.on('timeout', () => call.destroy(new Error(withoutAnswer())));
      call.on('error', (error) => fail(error.message));
      call.end();
    });
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - lastRound >= longPause) pauses.push({ end: now, length: now - lastRound });
    lastRound = now;
    const due = Math.floor(((now - started) / 1000) * perSecond) - sent;
    for (let index = 0; index < due; index += 1) {
      sent += 1;
      const pending: Promise<void> = send().finally(() => open.delete(pending));
      open.add(pending);
    }
  }, round);
  const report = (): LoadReport => ({ sent, answers: { ...answers }, failures: [...failures] });
  return {
    report,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return report();
    },
  };
}
