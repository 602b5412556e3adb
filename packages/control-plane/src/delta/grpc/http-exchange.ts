// A plain HTTP request and its answer, the same over HTTP/1.1 and HTTP/2. Bodies are small and read whole.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';

/** A request whose body has been read. */
export interface HttpRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Host with port, as the client addressed it; '' when it did not say. */
  readonly authority: string;
  /** Address of the client; '' when it has gone. */
  readonly from: string;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers a request. A rejection is reported, and answered 500 without details. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** How requests are answered. */
export interface Serving {
  readonly handler: HttpHandler;
  /** Bytes; larger bodies are answered 413. */
  readonly bodyLimit: number;
  /** Gets what the handler throws. */
  readonly onBug: (error: unknown) => void;
}

const failed: HttpResponse = {
  status: 500,
  contentType: 'text/plain',
  body: 'the control plane could not answer; its log says why\n',
};
const tooLarge: HttpResponse = { status: 413, contentType: 'text/plain', body: 'the request body is too large\n' };

/** Answers a request that came over HTTP/1.1. */
export async function exchangeHttp1(
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> {
  const answer = await answerOf(
    request,
    {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      authority: request.headers.host ?? '',
      from: request.socket.remoteAddress ?? '',
    },
    serving,
  );
  if (answer === undefined || response.destroyed) return;
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': body.length,
    ...(answer === tooLarge ? { connection: 'close' } : {}),
  });
  response.end(body);
}

/** Answers a request that came over HTTP/2. */
export async function exchangeHttp2(
  stream: ServerHttp2Stream,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  serving: Serving,
): Promise<void> {
  stream.on('error', () => stream.destroy());
  const answer = await answerOf(
    stream,
    {
      method: String(headers[':method'] ?? ''),
      path: String(headers[':path'] ?? ''),
      headers,
      authority: String(headers[':authority'] ?? headers.host ?? ''),
      from: stream.session?.socket.remoteAddress ?? '',
    },
    serving,
  );
  if (answer === undefined || stream.destroyed) return;
  stream.respond({ ':status': answer.status, 'content-type': answer.contentType });
  stream.end(answer.body);
}

async function answerOf(
  source: Readable,
  head: Omit<HttpRequest, 'body'>,
  serving: Serving,
): Promise<HttpResponse | undefined> {
  let body: Uint8Array | undefined;
  try {
    body = await readBody(source, serving.bodyLimit);
  } catch {
    return undefined; // the client went away while it was sending
  }
  if (body === undefined) return tooLarge;
  try {
    return await serving.handler({ ...head, body });
  } catch (error) {
    serving.onBug(error);
    return failed;
  }
}

/** The whole body; undefined when it is larger than the limit (the rest is read and dropped). */
function readBody(source: Readable, limit: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    source.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        chunks.length = 0;
        resolve(undefined);
      }
    });
    source.on('end', () => resolve(length <= limit ? Buffer.concat(chunks) : undefined));
    source.on('error', reject);
    source.on('close', () => reject(new Error('closed before the end of the body')));
  });
}
