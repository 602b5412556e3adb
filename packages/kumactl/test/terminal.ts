// A terminal in memory, and a control plane's REST API that answers what a test says.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { runCommand } from '../src/index.ts';
import type { Host } from '../src/transparent-proxy/host.ts';

/** What one command line did. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The machine of a command, as far as a test cares. */
export interface TestMachine {
  readonly home?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: number;
  readonly host?: Host;
}

/** Runs a command line in this process. */
export async function run(args: readonly string[], machine: TestMachine = {}): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  const code = await runCommand(args, {
    env: machine.env ?? {},
    home: machine.home ?? '/nowhere',
    print: (text) => {
      stdout += text;
    },
    printError: (text) => {
      stderr += text;
    },
    readInput: async () => machine.input ?? '',
    now: () => machine.now ?? Date.parse('2026-11-23T12:00:00Z'),
    ...(machine.host === undefined ? {} : { host: machine.host }),
  });
  return { code, stdout, stderr };
}

/** One request that the stub got. */
export interface StubRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answer of the stub; an object is sent as JSON, `undefined` never answers. */
export interface StubAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A running stub. */
export interface StubServer {
  readonly url: string;
  readonly requests: readonly StubRequest[];
  close(): Promise<void>;
}

/** Serves on a free port of the loopback. With TLS options the address is https. */
export async function openStubServer(
  answer: (request: StubRequest) => StubAnswer | undefined | Promise<StubAnswer | undefined>,
  tls?: ServerOptions,
): Promise<StubServer> {
  const requests: StubRequest[] = [];
  const listener: RequestListener = async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(request);
    const given = await answer(request);
    if (given === undefined) return;
    const { status = 200, body = {}, headers = {} } = given;
    response
      .writeHead(status, {
        'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
        ...headers,
      })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
