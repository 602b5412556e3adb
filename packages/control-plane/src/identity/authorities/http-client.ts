// HTTP as authorities elsewhere are spoken to: connections that are kept, an answer of bounded size, and no waiting beyond a signal.
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, type AgentOptions, request } from 'node:https';

/** How a server is known to be the one, and what is shown to it; without any of it those that the control plane's host trusts. */
export type TlsOptions = Pick<AgentOptions, 'rejectUnauthorized' | 'ca' | 'servername' | 'cert' | 'key'>;

/** A request. The path begins with a slash. */
export interface HttpCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly content?: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** An answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Calls one server. */
export interface HttpClient {
  /** Errors: those of the connection, one when the answer is too large, or none in time. */
  send(call: HttpCall): Promise<HttpAnswer>;
  stop(): void;
}

const largestAnswer = 1024 * 1024;
const mostConnections = 8;

/** Opens no connection before the first call. `address`: without a path. */
export function createHttpClient(address: string, tls: TlsOptions = {}): HttpClient {
  const isPlain = address.startsWith('http:');
  const common = { keepAlive: true, maxSockets: mostConnections };
  // That servers are verified is said, or NODE_TLS_REJECT_UNAUTHORIZED of the environment would decide.
  const secure = { ...common, minVersion: 'TLSv1.2', rejectUnauthorized: true, ...tls } as const;
  const agent = isPlain ? new PlainAgent(common) : new Agent(secure);
  const open = isPlain ? plainRequest : request;
  return {
    async send({ method, path, headers, content, signal }) {
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          const length = content === undefined ? {} : { 'content-length': content.length };
          const options = { method, headers: { ...headers, ...length }, agent, signal };
          const call = open(new URL(path, address), options, resolve);
          call.on('error', reject);
          call.end(content);
        });
        return { status: response.statusCode ?? 0, text: await readText(response) };
      } catch (cause) {
        if (signal.aborted) throw new Error('no answer in time', { cause });
        throw cause;
      }
    },
    stop: () => agent.destroy(),
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`the answer is larger than ${largestAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
