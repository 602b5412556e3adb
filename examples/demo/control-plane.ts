// A control plane of its own: started on free ports with its files in a folder, and spoken to over its REST API.
import { join } from 'node:path';
import { type ChildProcess, startProcess } from './child-process.ts';
import { freePort } from './free-ports.ts';
import { waitFor } from './wait-for.ts';

/** An answer of the REST API. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

/** A started control plane. */
export interface ControlPlane {
  /** `http://127.0.0.1:5681` */
  readonly apiUrl: string;
  /** What kuma-dp takes as --cp-address. */
  readonly dataPlaneUrl: string;
  /** The certificate that verifies it. */
  readonly caCertFile: string;
  process(): ChildProcess;
  request(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** Writes a resource at its path. Throws with the API's answer when it is refused. */
  apply(resource: ResourceDocument): Promise<void>;
  delete(resource: ResourceDocument): Promise<void>;
  /** Makes a token for a proxy. */
  dataplaneToken(mesh: string, name: string, validFor?: string): Promise<string>;
  /** Starts it again on the same ports and files after it has ended. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A resource as a user writes it. */
export interface ResourceDocument {
  readonly type: string;
  readonly mesh?: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** How to start one. */
export interface ControlPlaneOptions {
  /** Program and leading arguments of kuma-cp. */
  readonly command: readonly string[];
  readonly folder: string;
  /** Whether to take the usual ports where they are free. */
  readonly usualPorts: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Further arguments of `kuma-cp run`. */
  readonly extraArgs?: readonly string[];
  /** Where it is asked from here, as URLs have it; `127.0.0.1` when left out. */
  readonly loopback?: string;
}

const usual = { http: 5681, https: 5682, dataPlane: 5678, diagnostics: 5680 };
const startPatience = 60_000;

function pluralOf(word: string): string {
  if (word.endsWith('y')) return `${word.slice(0, -1)}ies`;
  return /(s|sh|ch)$/.test(word) ? `${word}es` : `${word}s`;
}

/** REST path of a resource. */
export function resourcePath({ type, mesh, name }: ResourceDocument): string {
  const plural = pluralOf(type.toLowerCase());
  return mesh === undefined ? `/${plural}/${name}` : `/meshes/${mesh}/${plural}/${name}`;
}

/** Starts a control plane and waits until it is ready. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const pick = (port: number): Promise<number> => freePort(options.usualPorts ? port : undefined);
  const ports = {
    http: await pick(usual.http),
    https: await pick(usual.https),
    dataPlane: await pick(usual.dataPlane),
    diagnostics: await pick(usual.diagnostics),
  };
  const environment = {
    KUMA_GENERAL_WORK_DIR: options.folder,
    KUMA_API_SERVER_HTTP_PORT: String(ports.http),
    KUMA_API_SERVER_HTTPS_PORT: String(ports.https),
    KUMA_DP_SERVER_PORT: String(ports.dataPlane),
    KUMA_DIAGNOSTICS_SERVER_PORT: String(ports.diagnostics),
    ...options.environment,
  };
  const { loopback = '127.0.0.1', extraArgs = [] } = options;
  const apiUrl = `http://${loopback}:${ports.http}`;
  const start = async (): Promise<ChildProcess> => {
    const process = startProcess({
      name: 'kuma-cp',
      command: options.command,
      args: ['run', ...extraArgs],
      environment,
    });
    try {
      await waitFor(
        'the control plane is ready',
        async () => {
          if (!process.running()) return 'ended';
          return (
            (await fetch(`http://${loopback}:${ports.diagnostics}/ready`)).ok && (await fetch(apiUrl)).ok && 'ready'
          );
        },
        { within: startPatience },
      );
      if (!process.running()) throw new Error('the control plane ended at its start');
    } catch (cause) {
      await process.stop();
      throw new Error(`kuma-cp did not start:\n${process.output()}`, { cause });
    }
    return process;
  };
  const request = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const content =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${apiUrl}${path}`, { method, ...content });
    const text = await response.text();
    return { status: response.status, text, json: parseJson(text) };
  };
  const succeed = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const answer = await request(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer;
  };
  let process = await start();
  return {
    apiUrl,
    dataPlaneUrl: `https://localhost:${ports.dataPlane}`,
    caCertFile: join(options.folder, 'kuma-cp.crt'),
    process: () => process,
    request,
    apply: async (resource) => void (await succeed('PUT', resourcePath(resource), resource)),
    delete: async (resource) => void (await succeed('DELETE', resourcePath(resource))),
    dataplaneToken: async (mesh, name, validFor = '24h') =>
      (await succeed('POST', '/tokens/dataplane', { mesh, name, validFor })).text,
    async restart() {
      await process.exited;
      process = await start();
    },
    stop: () => process.stop(),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
