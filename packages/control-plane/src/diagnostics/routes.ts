// The endpoints of the diagnostics server, as functions of a request.
import { metricsContentType } from '@ursa/telemetry';
import { isLogLevel, type Log, logLevels } from '../log.ts';
import { measureLiveMemory, recordCpuProfile, takeHeapSnapshot } from './profile.ts';
import type { Readiness } from './readiness.ts';

/** A request, as far as these endpoints look at it. */
export interface DiagnosticsRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** An answer. */
export interface DiagnosticsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** What the endpoints tell of. */
export interface DiagnosticsSources {
  readonly readiness: Readiness;
  readonly log: Log;
  /** In Prometheus's text format. */
  readonly metrics: () => string;
  /** Whether `/debug/pprof` is served. */
  readonly debugEndpoints: boolean;
}

const componentName = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

/** Answers a request. Throws `MeshError` for what profiles may throw. */
export async function answerDiagnostics(
  request: DiagnosticsRequest,
  sources: DiagnosticsSources,
): Promise<DiagnosticsAnswer> {
  const { method, path } = request;
  if (path === '/logging' || path.startsWith('/logging/')) return answerLogging(request, sources.log);
  const reading = method === 'GET' || method === 'HEAD';
  if (path.startsWith('/debug/pprof') && sources.debugEndpoints) {
    return reading ? await answerProfile(request) : wrongMethod;
  }
  const answer = endpoints[path];
  if (answer === undefined) return text(404, '404: Page Not Found');
  return reading ? await answer(sources) : wrongMethod;
}

const endpoints: Readonly<
  Record<string, (sources: DiagnosticsSources) => DiagnosticsAnswer | Promise<DiagnosticsAnswer>>
> = {
  '/healthy': () => json(200, { status: 'ok' }),
  '/ready': ({ readiness }) => {
    const reasons = readiness.reasons();
    const degraded = readiness.degraded();
    const all = Object.keys(degraded).length === 0 ? {} : { degraded };
    return Object.keys(reasons).length === 0
      ? json(200, { ready: true, ...all })
      : json(503, { ready: false, reasons, ...all });
  },
  '/metrics': ({ metrics }) => ({ status: 200, contentType: metricsContentType, body: metrics() }),
};

function answerLogging({ method, path, body }: DiagnosticsRequest, log: Log): DiagnosticsAnswer {
  if (path !== '/logging') {
    const component = path.slice('/logging/'.length);
    if (method !== 'DELETE') return wrongMethod;
    if (!componentName.test(component)) return badComponent;
    return json(200, { components: log.resetLevels(component) });
  }
  if (method === 'GET') return json(200, { components: log.overrides() });
  if (method === 'DELETE') return json(200, { components: log.resetLevels() });
  return method === 'PUT' ? setLevel(body, log) : wrongMethod;
}

function setLevel(body: string, log: Log): DiagnosticsAnswer {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return text(400, 'expected JSON such as {"component":"xds","level":"debug"}');
  }
  const field = (name: string) =>
    typeof request === 'object' && request !== null ? (Reflect.get(request, name) as unknown) : undefined;
  const component = field('component');
  const level = field('level');
  if (typeof component !== 'string' || !componentName.test(component)) return badComponent;
  if (!isLogLevel(level)) return text(400, `level: expected one of ${logLevels.join(', ')}`);
  log.setLevel(component, level);
  log.component('diagnostics').info('level of a component changed', { changed: component, to: level });
  return json(200, { components: log.overrides() });
}

async function answerProfile({ path, query }: DiagnosticsRequest): Promise<DiagnosticsAnswer> {
  if (path === '/debug/pprof/profile') return download(await recordCpuProfile(Number(query.get('seconds') ?? 30)));
  if (path === '/debug/pprof/heap') return download(await takeHeapSnapshot());
  if (path === '/debug/pprof/live') return json(200, await measureLiveMemory());
  if (path === '/debug/pprof' || path === '/debug/pprof/') {
    return text(
      200,
      '/debug/pprof/profile?seconds=30  CPU profile (.cpuprofile)\n/debug/pprof/heap                heap snapshot (.heapsnapshot)\n/debug/pprof/live                bytes that live after a complete collection\n',
    );
  }
  return text(404, '404: Page Not Found');
}

const wrongMethod = text(405, '405: Method Not Allowed');
const badComponent = text(
  400,
  'component: expected a name of letters, digits, ".", "-" and "_", at most 128 characters',
);

function text(status: number, body: string): DiagnosticsAnswer {
  return { status, contentType: 'text/plain', body };
}

function json(status: number, body: unknown): DiagnosticsAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function download(body: string): DiagnosticsAnswer {
  return { status: 200, contentType: 'application/octet-stream', body };
}
