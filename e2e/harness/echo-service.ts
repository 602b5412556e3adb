// A service that says who it is. `/slow/<milliseconds>` takes its time.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen, type RunningService } from '../../examples/service.ts';

/** The service and what it has seen. */
export interface EchoService extends RunningService {
  /** Requests answered so far. */
  answered(): number;
  /** Headers of the last request. */
  lastHeaders(): Readonly<Record<string, string | string[] | undefined>>;
  /** Path of the last request. */
  lastPath(): string;
}

/** Starts the service, on a free port unless one is given. */
export async function openEchoService(name: string, port = 0): Promise<EchoService> {
  let answered = 0;
  let headers: Readonly<Record<string, string | string[] | undefined>> = {};
  let path = '';
  const server = createServer(async (request, response) => {
    headers = request.headers;
    path = request.url ?? '';
    const slow = request.url?.match(/^\/slow\/(\d+)$/)?.[1];
    if (slow !== undefined) await sleep(Number(slow));
    answered += 1;
    response.end(name);
  });
  // The proxy decides how long connections live.
  server.keepAliveTimeout = 0;
  const running = await listen(server, port);
  return { ...running, answered: () => answered, lastHeaders: () => headers, lastPath: () => path };
}
