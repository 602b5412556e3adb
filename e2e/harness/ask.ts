// One request, with any headers (also `host`), and waiting for the answer that a policy should bring about.
import { Agent, request } from 'node:http';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { SeenRequest } from './scripted-service.ts';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** What the scripted service says of the request; undefined when somebody else answered. */
  readonly seen: SeenRequest | undefined;
  /** Milliseconds from the first byte sent to the last one received. */
  readonly took: number;
}

/** What is asked. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const agent = new Agent({ keepAlive: true });

/** Sends a request. */
export function ask(url: string, { method = 'GET', headers = {} }: Question = {}): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers: { ...headers }, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const seen = response.headers['x-service'] === undefined ? undefined : (parse(text) as SeenRequest | undefined);
        const took = performance.now() - started;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, seen, took });
      });
    });
    call.on('error', reject);
    call.end();
  });
}

/** Asks until the answer is as wanted, and gives it. */
export function askUntil(
  what: string,
  url: string,
  question: Question,
  wanted: (answer: Answer) => boolean,
): Promise<Answer> {
  return waitFor(
    what,
    async () => {
      const answer = await ask(url, question);
      if (!wanted(answer)) throw new Error(`it answers ${answer.status}: ${answer.text}`);
      return answer;
    },
    { within: 10_000 },
  );
}

/** Sends so many requests, a few at a time, and counts the answers by a name for each. */
export async function tally(
  count: number,
  url: string,
  question: Question,
  nameOf: (answer: Answer) => string,
): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const name = nameOf(await ask(url, question));
      found[name] = (found[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
