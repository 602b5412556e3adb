// Serves routes: authenticates, hands the call to its route, turns what it throws into the error body. Knows no resource.
import type { IncomingMessage } from 'node:http';
import { MeshError } from '@ursa/resources';
import type { RequestMetrics } from '@ursa/telemetry';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Audit } from '../../identity/audit/audit.ts';
import type { StoreHealth } from '../../store/store.ts';
import type { Tracer } from '../../tracing/tracer.ts';
import { openBodyRoom } from './body-room.ts';
import type { Authenticate } from './caller.ts';
import type { CrossOrigin } from './cross-origin.ts';
import { degradedHeaders } from './degraded-store.ts';
import { Failure, formatFailure, toFailure } from './failure.ts';
import { unsupportedMediaType } from './media-type.ts';
import { createPathMatcher } from './path-matcher.ts';
import { beginAudit, type RequestAudit, requestIdHeader } from './request-audit.ts';
import type { RequestBudgets } from './request-budgets.ts';
import type { Answer, Call, Route } from './route.ts';

/** Largest body a request may have, in bytes. */
const maximumBodyBytes = 1024 * 1024;

/** Bytes of all bodies that are being read and answered. */
const roomForBodies = 64 * maximumBodyBytes;

// The framework knows when a request began only where it logs requests.
const startTimes = new WeakMap<FastifyRequest, number>();

// Routes have no schemas of the framework's. Unless it is told so, it loads its compilers for them: a megabyte of memory.
const compileNothing = (): never => {
  throw new Error('a route has a schema of the framework, which has no compiler here');
};
const noCompilers = { buildValidator: () => compileNothing, buildSerializer: () => compileNothing };

/** What an app needs besides its routes. */
export interface AppOptions {
  readonly routes: readonly Route[];
  readonly authenticate: Authenticate;
  /** How many requests each caller may send. */
  readonly budgets: RequestBudgets;
  readonly crossOrigin: CrossOrigin;
  /** Whether the store works; answers made from memory say so when it does not. */
  readonly storeHealth: () => StoreHealth;
  readonly now: () => Date;
  /** Told of requests, for metrics. */
  readonly observer?: RequestMetrics;
  /** Puts what a request does into its trace. */
  readonly tracer?: Pick<Tracer, 'request'> | undefined;
  /** Writes down who did what. */
  readonly audit?: Pick<Audit, 'begin'> | undefined;
  /** Told of errors that are bugs; callers get only "Internal Server Error". */
  readonly onBug: (error: unknown, request: string) => void;
}

/** The API as an app that can be asked in memory (`inject`) or served by `server.ts`. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: maximumBodyBytes,
    exposeHeadRoutes: false,
    // The fastest server makes no log line for a request.
    logger: false,
    forceCloseConnections: 'idle',
    schemaController: { compilersFactory: noCompilers },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2048 },
    // Paths that cannot be decoded fail before there is a route.
    frameworkErrors: (error, request, reply) => {
      send(options, '', request, reply, answerError(options, request, error));
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text));
  const { observer } = options;
  if (observer !== undefined) {
    app.addHook('onRequest', (request, reply, done) => {
      startTimes.set(request, performance.now());
      observer.began();
      // The framework's own hook for the end is left out when the client goes away first.
      reply.raw.once('close', () => observer.ended());
      done();
    });
  }
  const room = openBodyRoom(roomForBodies, maximumBodyBytes);
  app.addHook('onRequest', (request, reply, done) => {
    const leave = room.take(request.headers);
    if (leave === undefined) {
      // The body is not read, so the connection is of no more use.
      reply.header('connection', 'close');
      send(options, '', request, reply, answerError(options, request, noRoom));
      return;
    }
    reply.raw.once('close', leave);
    done();
  });
  for (const route of options.routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => serve(options, route, request, reply),
    });
  }
  const matches = createPathMatcher(options.routes.map(({ path }) => path));
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'OPTIONS') {
      const headers = options.crossOrigin.preflight(request.headers.origin);
      if (headers !== undefined) return reply.code(204).headers(headers).send();
    }
    const known = matches(request.url.split('?', 1)[0] ?? '');
    return sendText(options, reply, known ? 405 : 404, known ? '405: Method Not Allowed' : '404: Page Not Found');
  });
  app.setErrorHandler((error, request, reply) =>
    send(options, '', request, reply, answerError(options, request, error)),
  );
  return app;
}

const noRoom = new MeshError('unavailable', 'too many large requests are being read; try again in a moment');

async function serve(
  options: AppOptions,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tracer } = options;
  const work = () => answerOf(options, route, request);
  const answer =
    tracer === undefined
      ? await work()
      : await tracer.request(
          { method: request.method, route: route.path, traceParent: request.headers.traceparent?.toString() },
          work,
        );
  return send(options, route.path, request, reply, answer);
}

async function answerOf(options: AppOptions, route: Route, request: FastifyRequest): Promise<Answer> {
  const audit = options.audit && beginAudit(options.audit, route, request.raw);
  try {
    // An object of the request's own: what is asked for it is noted by it.
    const user = { ...(await options.authenticate(request.raw)) };
    options.budgets.take(user, request.raw.socket.remoteAddress ?? '');
    audit?.identify(user);
    const answer = await route.handle(toCall(request, user));
    audit?.end(answer.status, undefined);
    return withRequestId(answer, audit);
  } catch (error) {
    const answer = answerError(options, request, error);
    audit?.end(answer.status, error instanceof Error ? error.message : undefined);
    return withRequestId(answer, audit);
  }
}

function withRequestId(answer: Answer, audit: RequestAudit | undefined): Answer {
  return audit === undefined ? answer : { ...answer, headers: { ...answer.headers, [requestIdHeader]: audit.id } };
}

function toCall(request: FastifyRequest, user: Call['user']): Call {
  const { raw } = request;
  const url = raw.url ?? '/';
  const queryAt = url.indexOf('?');
  return {
    method: request.method,
    url,
    params: request.params as Readonly<Record<string, string>>,
    query: new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt + 1)),
    user,
    origin: originOf(raw),
    header: (name) => raw.headers[name]?.toString(),
    body: {
      text: typeof request.body === 'string' ? request.body : '',
      contentType: raw.headers['content-type'] ?? '',
    },
  };
}

/** Under which address the caller reached us. A host that is none (an attack on links made from it) gives way to the socket's own address. */
function originOf(request: IncomingMessage): string {
  const scheme = 'encrypted' in request.socket && request.socket.encrypted === true ? 'https' : 'http';
  const host = request.headers.host;
  if (host !== undefined && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host)) return `${scheme}://${host}`;
  return `${scheme}://${request.socket.localAddress ?? 'localhost'}:${request.socket.localPort ?? 80}`;
}

function answerError(options: AppOptions, request: FastifyRequest, error: unknown): Answer {
  const failure = isFrameworkError(error) ? fromFramework(error, request) : toFailure(error);
  if (failure.status === 500) options.onBug(failure.cause ?? failure, `${request.method} ${request.url.slice(0, 500)}`);
  return { status: failure.status, body: formatFailure(failure), headers: failure.headers };
}

/** Errors from before a handler runs: a body that is too large or was not sent to its end, a path that cannot be decoded. */
interface FrameworkError {
  readonly statusCode: number;
}

function isFrameworkError(error: unknown): error is FrameworkError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

function fromFramework(error: FrameworkError, request: FastifyRequest): Failure {
  if (error.statusCode === 415) return unsupportedMediaType(request.headers['content-type'] ?? '');
  if (error.statusCode === 413) {
    const limit = `the body must have at most ${maximumBodyBytes} bytes; split it into several requests`;
    return new Failure(413, 'Request is too large', limit);
  }
  if (error.statusCode >= 500)
    return new Failure(500, 'Internal Server Error', 'Internal Server Error', { cause: error });
  return new Failure(
    error.statusCode,
    'Bad Request',
    'the request cannot be read: its path, length or encoding is broken',
  );
}

function send(
  options: AppOptions,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): FastifyReply {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  reply.code(answer.status);
  reply.header('content-type', answer.contentType ?? 'application/json');
  reply.header('x-content-type-options', 'nosniff');
  if (answer.headers !== undefined) reply.headers(answer.headers);
  // A 503 says more itself; a refusal, or that something is not there, may come of what memory lacks.
  if (answer.status < 500) reply.headers(degradedHeaders(options.storeHealth(), options.now()));
  if (request.headers.origin !== undefined) reply.headers(options.crossOrigin.headers(request.headers.origin));
  options.observer?.answered({
    method: request.method,
    path,
    status: answer.status,
    bodyBytes: body.length,
    seconds: (performance.now() - (startTimes.get(request) ?? performance.now())) / 1000,
  });
  // As bytes: to text the framework would add a charset, which JSON does not have.
  return reply.send(body);
}

function sendText(options: AppOptions, reply: FastifyReply, status: number, text: string): FastifyReply {
  return send(options, '', reply.request, reply, { status, body: text, contentType: 'text/plain' });
}
