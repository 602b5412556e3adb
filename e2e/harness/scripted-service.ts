// A service that behaves as its requests tell it to, and remembers them. Headers of a request: `x-id` names it, `x-status` is what it is answered
// with, `x-wait` the milliseconds before that, `x-again` that the answer gets the same header, `x-reset` after how many seconds it asks to be asked
// again, `x-failures` for how many tries of that id all this holds, `x-size` the length of the answer.
import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen, type RunningService } from '../../examples/service.ts';

/** What the service says of a request, as JSON. */
export interface SeenRequest {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The service and what it has seen. */
export interface ScriptedService extends RunningService {
  /** How many requests had this `x-id`. */
  tries(id: string): number;
  /** Milliseconds between the tries of this `x-id`. */
  waits(id: string): readonly number[];
  /** What all requests are answered with from now on; undefined: what they ask for. */
  answerAllWith(status: number | undefined): void;
}

/** Starts the service on a free port. */
export async function openScriptedService(service: string): Promise<ScriptedService> {
  const tries = new Map<string, number[]>();
  let statusOfAll: number | undefined;
  const server = createServer(async (request, response) => {
    const id = header(request, 'x-id') ?? '';
    const times = [...(tries.get(id) ?? []), performance.now()];
    const count = times.length;
    tries.set(id, times);
    const asTold = count <= Number(header(request, 'x-failures') ?? Number.POSITIVE_INFINITY);
    if (asTold) await sleep(Number(header(request, 'x-wait') ?? 0));
    response.statusCode = statusOfAll ?? Number((asTold ? header(request, 'x-status') : undefined) ?? 200);
    if (asTold && header(request, 'x-again') !== undefined) response.setHeader('x-again', 'please');
    const reset = header(request, 'x-reset');
    if (asTold && reset !== undefined) response.setHeader('x-reset', reset);
    response.setHeader('x-service', service);
    const seen = { service, method: request.method, url: request.url, headers: request.headers };
    response.end(JSON.stringify(seen).padEnd(Number(header(request, 'x-size') ?? 0)));
  });
  server.keepAliveTimeout = 0;
  const running = await listen(server, 0);
  return {
    ...running,
    tries: (id) => tries.get(id)?.length ?? 0,
    waits: (id) =>
      (tries.get(id) ?? []).flatMap((time, index, times) => (index === 0 ? [] : [time - (times[index - 1] ?? 0)])),
    answerAllWith: (status) => {
      statusOfAll = status;
    },
  };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
