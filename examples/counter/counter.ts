// A page with a counter that lives in the key-value store: the first service of the demo. It reaches the store through its own Envoy,
// by plain HTTP on the loopback; Envoy makes mutual TLS of it. Alone: `STORE=http://127.0.0.1:5050 node examples/counter/counter.ts`.
import { createServer } from 'node:http';
import { listen, type RunningService, runAlone } from '../service.ts';
import { page } from './page.ts';

/** What the page shows. */
interface CounterState {
  /** Status of the store's answer; 0 when there was none. */
  readonly status: number;
  /** The counter, or what went wrong in the store's or the mesh's words. */
  readonly text: string;
  readonly milliseconds: number;
}

const storeTimeout = 3000;

/** Serves the page on `/`, `GET /counter` and `POST /counter`. `store` is where the key-value store is reached. */
export async function openCounter(port: number, store: string): Promise<RunningService> {
  const server = createServer(async (request, response) => {
    if (request.url === '/') return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    if (request.url !== '/counter') return response.writeHead(404).end();
    const state = await (request.method === 'POST'
      ? ask(`${store}/keys/counter/increment`, 'POST')
      : ask(`${store}/keys/counter`, 'GET'));
    response
      .writeHead(state.status === 0 ? 502 : state.status, { 'content-type': 'application/json' })
      .end(`${JSON.stringify(state)}\n`);
  });
  return listen(server, port);
}

async function ask(url: string, method: string): Promise<CounterState> {
  const started = performance.now();
  const milliseconds = (): number => Math.round((performance.now() - started) * 10) / 10;
  try {
    const response = await fetch(url, { method, signal: AbortSignal.timeout(storeTimeout) });
    const text = (await response.text()).trim();
    // A counter that nobody has touched yet is 0.
    if (response.status === 404) return { status: 200, text: '0', milliseconds: milliseconds() };
    return { status: response.status, text, milliseconds: milliseconds() };
  } catch (error) {
    return { status: 0, text: `the store does not answer: ${(error as Error).message}`, milliseconds: milliseconds() };
  }
}

if (import.meta.main)
  runAlone('counter', 5000, (port) => openCounter(port, process.env.STORE ?? 'http://127.0.0.1:5050'));
