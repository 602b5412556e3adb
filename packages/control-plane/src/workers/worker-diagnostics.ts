// The diagnostics of all workers at one port: ready when all are, metrics of all, requests to one of them with `?worker=2`.
import { createServer, type IncomingMessage, type RequestOptions, request, type Server } from 'node:http';
import { MeshError } from '@ursa/resources';
import { bodyOf } from '../instances/read-body.ts';
import { mergeMetrics } from './merge-metrics.ts';

/** A worker as its diagnostics are asked for. */
export interface AskedWorker {
  readonly number: number;
  /** undefined while it does not serve. */
  readonly diagnosticsPort: number | undefined;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const patience = 5_000;
const largestBody = 4096;
const largestAnswer = 256 * 1024 * 1024;

/** Opens the port. Errors: `MeshError('unavailable')` when it is taken. */
export async function openWorkerDiagnostics(port: number, workers: () => readonly AskedWorker[]): Promise<Server> {
  const server = createServer((incoming, response) => {
    answer(incoming, workers())
      .catch((error: unknown) => text(502, error instanceof Error ? error.message : String(error)))
      .then(({ status, contentType, body }) => {
        response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
        response.end(body);
      });
  });
  server.headersTimeout = 1_000;
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const setting = 'diagnostics.serverPort (KUMA_DIAGNOSTICS_SERVER_PORT)';
      const message = `cannot serve diagnostics on port ${port}: ${cause.message}; choose another ${setting}`;
      reject(new MeshError('unavailable', message, { cause }));
    });
    server.listen(port, () => resolve());
  });
  return server;
}

async function answer(incoming: IncomingMessage, workers: readonly AskedWorker[]): Promise<Answer> {
  const url = new URL(incoming.url ?? '/', 'http://diagnostics');
  const wanted = url.searchParams.get('worker');
  const body = await bodyOf(incoming, largestBody);
  const method = incoming.method ?? 'GET';
  if (wanted !== null) {
    const worker = workers.find(({ number }) => String(number) === wanted);
    if (worker === undefined) return text(404, `there is no worker ${wanted}: expected 1 to ${workers.length}`);
    url.searchParams.delete('worker');
    return await ask(worker, method, url, body);
  }
  if (url.pathname === '/healthy') return json(200, { status: 'ok' });
  const answers = await Promise.all(workers.map((worker) => ask(worker, method, url, body)));
  if (url.pathname === '/metrics') {
    const texts = answers.map(({ status, body: metrics }, index) => ({
      worker: workers[index]?.number ?? 0,
      text: status === 200 ? metrics : '',
    }));
    return { status: 200, contentType: answers[0]?.contentType ?? 'text/plain', body: mergeMetrics(texts) };
  }
  const byWorker = Object.fromEntries(answers.map((each, index) => [workers[index]?.number ?? 0, parsed(each.body)]));
  if (url.pathname === '/ready') {
    const isReady = answers.every(({ status }) => status === 200);
    return json(isReady ? 200 : 503, { ready: isReady, workers: byWorker });
  }
  if (url.pathname.startsWith('/logging')) return json(answers[0]?.status ?? 502, { workers: byWorker });
  return text(400, 'several workers run here: say which one is meant with ?worker=1');
}

async function ask({ number, diagnosticsPort }: AskedWorker, method: string, url: URL, body: string): Promise<Answer> {
  if (diagnosticsPort === undefined) return text(503, `worker ${number} does not serve yet`);
  try {
    // A profile takes as long as it is asked to.
    const signal = AbortSignal.timeout(url.pathname.startsWith('/debug') ? 120_000 : patience);
    const path = `${url.pathname}${url.search}`;
    return await send({ host: '127.0.0.1', port: diagnosticsPort, path, method, signal }, body);
  } catch (error) {
    return text(503, `worker ${number} does not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Not by `fetch`: on the executables' runtime that asks the proxy of the environment (HTTP_PROXY), also for what is on this very machine. */
function send(options: RequestOptions, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ ...options, agent: false }, (response) => {
      const contentType = response.headers['content-type'] ?? 'text/plain';
      bodyOf(response, largestAnswer).then(
        (answered) => resolve({ status: response.statusCode ?? 502, contentType, body: answered }),
        reject,
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function text(status: number, body: string): Answer {
  return { status, contentType: 'text/plain', body };
}

function json(status: number, body: unknown): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}
