// Talks to a control plane's REST API. TLS is verified unless the user said otherwise.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { MeshError } from '@ursa/resources';
import type { ApiServerCoordinates } from './config-file.ts';
import { connectionError, withoutPassword } from './connection-error.ts';
import { readNamedFile } from './named-files.ts';
import { serverError } from './server-error.ts';

/** An answer of the REST API. */
export interface ApiResponse {
  readonly status: number;
  readonly text: string;
  /** Revision of the store from which on a write counts; undefined for other answers. */
  readonly revision: number | undefined;
  /** What the control plane warns of in its `Warning` header. */
  readonly warning: string | undefined;
  /** Seconds after which to try again; undefined when the answer does not say. */
  readonly retryAfter: number | undefined;
  /** Version of the resource in the answer. */
  readonly entityTag: string | undefined;
}

/** A request to the REST API. */
export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Absolute path with its query. */
  readonly path: string;
  readonly body?: string;
  readonly accept?: string;
  /** An answer with an error's status is an answer too: what is not ready says why. */
  readonly anyStatus?: boolean;
  /** Writes only over this version of the resource; 'none': only where there is none. */
  readonly expected?: string;
}

/** Sends requests to one control plane. */
export interface ApiClient {
  /** Any success; other answers are thrown as `MeshError` with the server's words. */
  send(request: ApiRequest): Promise<ApiResponse>;
  /** The JSON at a path. Throws also when the answer is none, as that of a server that is no control plane. */
  get(path: string): Promise<unknown>;
}

/** How a client behaves. */
export interface ApiClientOptions {
  /** Longest wait for a whole answer; 0 waits for ever. */
  readonly timeoutMilliseconds: number;
  /** Told of every request, a line each; never with headers, which carry secrets. */
  readonly log?: (line: string) => void;
  /** Told what answers warn of, such as a store that is degraded; the same is told once. */
  readonly warn?: (text: string) => void;
}

/** A client for the coordinates; nothing is sent yet. */
export function openApiClient(coordinates: ApiServerCoordinates, options: ApiClientOptions): ApiClient {
  const warned = new Set<string>();
  const warn = (warning: string | undefined): void => {
    // The age differs from answer to answer; the news is the same.
    const news = warning?.replaceAll(/\d+ s old/g, '') ?? '';
    if (warning === undefined || warned.has(news)) return;
    warned.add(news);
    options.warn?.(warning);
  };
  const send = async (request: ApiRequest): Promise<ApiResponse> => {
    const line = `${request.method} ${request.path}`;
    const response = await exchange(coordinates, request, options.timeoutMilliseconds);
    options.log?.(`${line}: ${response.status}, ${response.text.length} characters`);
    warn(response.warning);
    if (request.anyStatus !== true && (response.status < 200 || response.status > 299)) {
      throw serverError(line, response.status, response.text, response.retryAfter);
    }
    return response;
  };
  return {
    send,
    async get(path) {
      const { text } = await send({ method: 'GET', path });
      try {
        return JSON.parse(text);
      } catch (cause) {
        const address = withoutPassword(coordinates.url);
        throw new MeshError('invalid', `GET ${path}: the answer is not JSON; is ${address} a control plane?`, {
          cause,
        });
      }
    },
  };
}

function exchange(coordinates: ApiServerCoordinates, request: ApiRequest, timeout: number): Promise<ApiResponse> {
  const url = targetOf(coordinates, request);
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(connectionError(coordinates.url, cause));
    let outgoing: ReturnType<typeof start>;
    try {
      const options = { method: request.method, headers: headersOf(coordinates, request), ...tlsOptions(coordinates) };
      outgoing = start(url, options, (incoming) => collect(incoming).then(resolve, fail));
    } catch (cause) {
      return reject(cause instanceof MeshError ? cause : connectionError(coordinates.url, asError(cause)));
    }
    const late = new Error(`no answer within ${timeout / 1000} s (--api-timeout)`);
    const giveUp = (): void => {
      fail(late);
      outgoing.destroy(late);
    };
    const timer = timeout > 0 ? setTimeout(giveUp, timeout) : undefined;
    outgoing.on('close', () => clearTimeout(timer));
    outgoing.on('error', fail);
    outgoing.end(request.body);
  });
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

function targetOf(coordinates: ApiServerCoordinates, request: ApiRequest): URL {
  const base = coordinates.url.endsWith('/') ? coordinates.url : `${coordinates.url}/`;
  if (!URL.canParse(base) || !/^https?:/.test(base)) {
    throw new MeshError(
      'invalid',
      `the control plane's address "${withoutPassword(coordinates.url)}" is not a URL; expected for example http://localhost:5681`,
    );
  }
  return new URL(request.path.slice(1), base);
}

function headersOf(coordinates: ApiServerCoordinates, request: ApiRequest): Record<string, string> {
  const token = coordinates.authType === 'tokens' ? tokenOf(coordinates.authConf ?? {}) : undefined;
  return {
    accept: request.accept ?? 'application/json',
    ...(request.body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(request.body)) }),
    ...expectation(request),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...Object.fromEntries((coordinates.headers ?? []).map(({ key, value }) => [key, value])),
  };
}

function expectation({ expected }: ApiRequest): Record<string, string> {
  if (expected === undefined) return {};
  return expected === 'none' ? { 'if-none-match': '*' } : { 'if-match': expected };
}

/** A file is read anew each time: the control plane, or whoever hands out tokens, may have put another one there. */
function tokenOf({ token, tokenFile }: Readonly<Record<string, string>>): string | undefined {
  return tokenFile === undefined ? token : readNamedFile('--auth-conf tokenFile', tokenFile).toString('utf8').trim();
}

function tlsOptions(coordinates: ApiServerCoordinates): Record<string, unknown> {
  return {
    ca: readPem('--ca-cert-file', coordinates.caCertFile, 'CERTIFICATE'),
    cert: readPem('--client-cert-file', coordinates.clientCertFile, 'CERTIFICATE'),
    key: readPem('--client-key-file', coordinates.clientKeyFile, 'PRIVATE KEY'),
    // Said either way: left out, NODE_TLS_REJECT_UNAUTHORIZED of the environment would decide.
    rejectUnauthorized: coordinates.skipVerify !== true,
  };
}

/** A file of the control plane's entry. TLS libraries pass over content that they cannot read; here it is named. */
function readPem(flag: string, file: string | undefined, label: string): Buffer | undefined {
  if (file === undefined) return undefined;
  const content = readNamedFile(`${flag} of the control plane`, file);
  if (!content.includes(`${label}-----`))
    throw new MeshError('invalid', `${flag} of the control plane: ${file} holds no ${label} in PEM`);
  return content;
}

async function collect(incoming: IncomingMessage): Promise<ApiResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const revision = incoming.headers['kuma-revision']?.toString() ?? '';
  return {
    status: incoming.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    revision: wholeNumber(revision),
    warning: warningOf(incoming.headers.warning?.toString()),
    retryAfter: wholeNumber(incoming.headers['retry-after']?.toString() ?? ''),
    entityTag: incoming.headers.etag,
  };
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The text of a `Warning` header that a control plane wrote itself; those of caches in between say nothing to a user. */
function warningOf(header: string | undefined): string | undefined {
  return /^\d{3} kuma-cp "([^"\\]*)"$/.exec(header ?? '')?.[1];
}
