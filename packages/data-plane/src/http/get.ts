// One bounded HTTP GET: to a Unix socket of Envoy's, or to an application. It ends in time, whatever the other side does.
import { type RequestOptions, request } from 'node:http';

/** Where a request goes. */
export type HttpTarget = Pick<RequestOptions, 'socketPath' | 'host' | 'port' | 'localAddress'>;

/** An answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  /** '' where the answer has none. */
  readonly entityTag: string;
  readonly body: string;
}

/** What a request may take. */
export interface HttpLimits {
  /** Milliseconds until the whole answer is there. */
  readonly within: number;
  /** Bytes of a body. */
  readonly size: number;
}

/** Asks for a path. Throws when there is no answer within the limits. */
export function httpGet(
  target: HttpTarget,
  path: string,
  limits: HttpLimits,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const options = { ...target, path, headers: { host: 'localhost', ...headers }, agent: false };
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > limits.size) call.destroy(new Error(`the answer has more than ${limits.size} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        clearTimeout(deadline);
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          entityTag: response.headers.etag ?? '',
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
      response.on('error', fail);
    });
    const fail = (cause: Error): void => {
      clearTimeout(deadline);
      reject(cause);
    };
    const deadline = setTimeout(() => call.destroy(new Error(`no answer within ${limits.within} ms`)), limits.within);
    call.on('error', fail);
    call.end();
  });
}
