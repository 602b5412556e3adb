// A control plane on a host of its own, on the usual ports, spoken to over the network with the administrator's token.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import { type ApiAnswer, type ResourceDocument, resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { Host } from './hosts.ts';

/** An answer of the API, with the milliseconds it took. */
export interface TimedAnswer extends ApiAnswer {
  readonly took: number;
  /** It says when to try again. */
  readonly retryAfter: boolean;
  /** It says that what it tells may be old. */
  readonly stale: boolean;
}

/** A control plane under test. */
export interface ControlPlaneHost {
  readonly host: Host;
  readonly folder: string;
  readonly apiUrl: string;
  readonly dataPlaneUrl: string;
  readonly diagnosticsUrl: string;
  readonly caCertFile: string;
  process(): ChildProcess;
  /**
   * Starts it, on the files it left behind. Resolves when its API answers, with the milliseconds that took. `wrap`: words before the program,
   * instead of those from the options.
   */
  start(wrap?: readonly string[]): Promise<number>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** One call of the API; an answer of any status, or an error when there is none in time. */
  request(method: string, path: string, body?: unknown, patience?: number): Promise<TimedAnswer>;
  /** Writes a resource. Throws with the API's answer when it is refused. */
  apply(resource: ResourceDocument): Promise<void>;
  delete(resource: ResourceDocument): Promise<void>;
  dataplaneToken(name: string): Promise<string>;
  /** The administrator's token. */
  token(): Promise<string>;
}

/** How to start one. */
export interface ControlPlaneHostOptions {
  readonly host: Host;
  /** Program and leading arguments of kuma-cp. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before the program: `nice`, or what sets its clock. */
  readonly wrap?: readonly string[];
}

/** On a busy machine the sources take that long to be read. */
const startPatience = 90_000;
const callPatience = 30_000;

const started: ChildProcess[] = [];

/** What has become of the control planes, and what they said last. */
export async function describeControlPlanes(): Promise<string> {
  const each = started.map(async (child) => {
    const end = child.running() ? 'runs' : `ended: ${JSON.stringify(await child.exited)}`;
    return [`${child.name} (${child.pid}) ${end}`, ...child.output().trimEnd().split('\n').slice(-40)].join('\n');
  });
  return (await Promise.all(each)).join('\n\n');
}

/** A control plane that has not been started yet. */
export function controlPlaneOn(options: ControlPlaneHostOptions): ControlPlaneHost {
  const { host, folder } = options;
  mkdirSync(folder, { recursive: true });
  const apiUrl = `http://${host.address}:5681`;
  const diagnosticsUrl = `http://${host.address}:5680`;
  let process: ChildProcess | undefined;
  let token = '';

  const running = (): ChildProcess => {
    if (process === undefined) throw new Error(`the control plane on ${host.name} was not started`);
    return process;
  };
  const adminToken = async (): Promise<string> => {
    // The API takes callers from its own host for the administrator: there the token is to be had.
    token ||= await waitFor('the administrator has a token', () => tokenFromItsHost(host), { within: startPatience });
    return token;
  };
  const request: ControlPlaneHost['request'] = async (method, path, body, patience = callPatience) => {
    const started = performance.now();
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${await adminToken()}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(patience),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status, headers } = response;
    return {
      status,
      text,
      json: parseJson(text),
      took: performance.now() - started,
      retryAfter: headers.has('retry-after'),
      stale: headers.has('warning'),
    };
  };
  const succeed = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const answer = await request(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer;
  };
  return {
    host,
    folder,
    apiUrl,
    diagnosticsUrl,
    dataPlaneUrl: `https://${host.address}:5678`,
    caCertFile: join(folder, 'kuma-cp.crt'),
    process: running,
    async start(wrap = options.wrap ?? []) {
      const startedAt = performance.now();
      const child = startProcess({
        name: `kuma-cp ${host.name}`,
        command: host.command([...wrap, ...options.command]),
        args: ['run'],
        environment: {
          KUMA_GENERAL_WORK_DIR: folder,
          KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true',
          ...options.environment,
        },
      });
      process = child;
      started.push(child);
      const deadline = startedAt + startPatience;
      for (;;) {
        const answers = await fetch(`${apiUrl}/`).then(
          (response) => response.arrayBuffer(),
          () => undefined,
        );
        if (answers !== undefined) return performance.now() - startedAt;
        if (!child.running() || performance.now() > deadline)
          throw new Error(`kuma-cp did not start:\n${child.output()}`);
        await sleep(5);
      }
    },
    async kill() {
      running().signal('SIGKILL');
      await running().exited;
    },
    request,
    apply: async (resource) => void (await succeed('PUT', resourcePath(resource), resource)),
    delete: async (resource) => void (await succeed('DELETE', resourcePath(resource))),
    dataplaneToken: async (name) =>
      (await succeed('POST', '/tokens/dataplane', { mesh: 'default', name, validFor: '24h' })).text,
    token: adminToken,
  };
}

const askForToken = `fetch('http://127.0.0.1:5681/global-secrets/admin-user-token')
  .then((answer) => answer.json())
  .then(({ data }) => console.log(atob(data)))`;

// Not waited for in one piece: the way to a database may be in this process.
async function tokenFromItsHost(host: Host): Promise<string | undefined> {
  const asking = startProcess({
    name: 'ask for the token',
    command: host.command([process.execPath, '-e', askForToken]),
    args: [],
  });
  const { code } = await asking.exited;
  return code === 0 ? asking.output().trim() : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
