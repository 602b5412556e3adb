// Talks to a control plane's REST API. TLS is verified unless the user said otherwise; errors say what the server said, field by field.
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { MeshError, type MeshErrorCode, type Violation } from '@ursa/resources';
import type { ApiServerCoordinates } from './config-file.ts';

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Absolute path with its query. */
  readonly path: string;
  readonly body?: string;
  readonly accept?: string;
}

/** Sends requests to one control plane. */
export interface ApiClient {
  readonly address: string;
  /** Any answer below 400; others are thrown as `MeshError` with the server's words. */
  send(request: ApiRequest): Promise<ApiResponse>;
}

/** A client for the coordinates; nothing is sent yet. */
export function openApiClient(coordinates: ApiServerCoordinates, timeoutMilliseconds: number): ApiClient {
  return {
    address: coordinates.url,
    async send(request) {
      const response = await exchange(coordinates, request, timeoutMilliseconds);
      if (response.status >= 400) throw serverError(request, response);
      return response;
    },
  };
}

function exchange(coordinates: ApiServerCoordinates, request: ApiRequest, timeout: number): Promise<ApiResponse> {
  const url = targetOf(coordinates, request);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(
      url,
      { method: request.method, headers: headersOf(coordinates, request), timeout, ...tlsOptions(coordinates) },
      (incoming) => collect(incoming).then(resolve, reject),
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeout / 1000} s (--api-timeout)`)));
    outgoing.on('error', (cause: NodeJS.ErrnoException) => reject(connectionError(coordinates, cause)));
    outgoing.end(request.body);
  });
}

function targetOf(coordinates: ApiServerCoordinates, request: ApiRequest): URL {
  try {
    return new URL(request.path.slice(1), coordinates.url.endsWith('/') ? coordinates.url : `${coordinates.url}/`);
  } catch (cause) {
    throw new MeshError(
      'invalid',
      `the control plane's address "${coordinates.url}" is not a URL; expected for example http://localhost:5681`,
      { cause },
    );
  }
}

function headersOf(coordinates: ApiServerCoordinates, request: ApiRequest): Record<string, string> {
  const token = coordinates.authType === 'tokens' ? coordinates.authConf?.token : undefined;
  return {
    accept: request.accept ?? 'application/json',
    ...(request.body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(request.body)) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...Object.fromEntries((coordinates.headers ?? []).map(({ key, value }) => [key, value])),
  };
}

function tlsOptions(coordinates: ApiServerCoordinates): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  if (coordinates.caCertFile !== undefined) options.ca = readFileSync(coordinates.caCertFile);
  if (coordinates.clientCertFile !== undefined) options.cert = readFileSync(coordinates.clientCertFile);
  if (coordinates.clientKeyFile !== undefined) options.key = readFileSync(coordinates.clientKeyFile);
  if (coordinates.skipVerify === true) options.rejectUnauthorized = false;
  return options;
}

async function collect(incoming: IncomingMessage): Promise<ApiResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function connectionError(coordinates: ApiServerCoordinates, cause: NodeJS.ErrnoException): MeshError {
  const advice: Record<string, string> = {
    ECONNREFUSED:
      'nothing listens there: is the control plane running (kuma-cp run), and is the address right (kumactl config control-planes list)?',
    ENOTFOUND: 'the host name is not known: check the address (kumactl config control-planes list)',
    DEPTH_ZERO_SELF_SIGNED_CERT:
      'its certificate is not trusted: give its CA with "kumactl config control-planes add --ca-cert-file"',
    SELF_SIGNED_CERT_IN_CHAIN:
      'its certificate is not trusted: give its CA with "kumactl config control-planes add --ca-cert-file"',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      'its certificate is not trusted: give its CA with "kumactl config control-planes add --ca-cert-file"',
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: use a name that the certificate carries',
  };
  const hint = advice[cause.code ?? ''] ?? cause.message;
  return new MeshError('unavailable', `could not reach the control plane at ${coordinates.url}: ${hint}`, { cause });
}

const codesByStatus: Readonly<Record<number, MeshErrorCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  412: 'precondition-failed',
  413: 'too-large',
  503: 'unavailable',
};

function serverError(request: ApiRequest, response: ApiResponse): MeshError {
  const code = codesByStatus[response.status] ?? 'internal';
  let title = `${request.method} ${request.path} was answered ${response.status}`;
  let detail = '';
  let violations: Violation[] = [];
  try {
    const body: { title?: string; detail?: string; invalid_parameters?: { field: string; reason: string }[] } =
      JSON.parse(response.text);
    title = body.title ?? title;
    detail = body.detail ?? '';
    violations = (body.invalid_parameters ?? []).map(({ field, reason }) => ({ field, message: reason }));
  } catch {
    detail = response.text.slice(0, 500);
  }
  return new MeshError(code, detail === '' ? title : `${title} (${detail})`, { violations });
}
