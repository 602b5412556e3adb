// Real collectors for stories of logs, traces and metrics. What comes in at the OpenTelemetry collector is printed, and read back from there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../../examples/demo/child-process.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { findTool, type ToolName } from '../../scripts/tools/collectors.ts';

/** The reason to leave a story out; false where its collector is there. */
export function absentTool(name: ToolName): string | false {
  return findTool(name).absent ?? false;
}

function pathOf(name: ToolName): string {
  const { path, absent } = findTool(name);
  if (absent !== undefined) throw new Error(absent);
  return path;
}

/** A running OpenTelemetry collector. */
export interface OpenTelemetryCollector {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Waits until something that came in matches. */
  received(what: string, pattern: RegExp): Promise<string>;
  /** How often a text has come in. */
  count(text: string): number;
  stop(): Promise<void>;
}

/** Files of a collector that speaks TLS, and the authority that its clients must come from. */
export interface CollectorFiles {
  readonly cert_file: string;
  readonly key_file: string;
  readonly client_ca_file: string;
}

/** Starts an OpenTelemetry collector on free ports; `tls`: it speaks TLS there. */
export async function startOpenTelemetryCollector(
  folder: string,
  tls?: CollectorFiles,
): Promise<OpenTelemetryCollector> {
  const grpcPort = await freePort();
  const httpPort = await freePort();
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}`, ...(tls === undefined ? {} : { tls }) });
  const protocols = { grpc: at(grpcPort), http: at(httpPort) };
  const pipeline = { receivers: ['otlp'], exporters: ['debug'] };
  const config = {
    receivers: { otlp: { protocols } },
    exporters: { debug: { verbosity: 'detailed' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: pipeline, metrics: pipeline, logs: pipeline },
    },
  };
  const home = join(folder, `otelcol-${grpcPort}`);
  mkdirSync(home);
  // JSON is YAML.
  writeFileSync(join(home, 'config.yaml'), JSON.stringify(config));
  const process = startProcess({
    name: 'otelcol',
    command: [pathOf('otelcol')],
    args: ['--config', join(home, 'config.yaml')],
    // A control plane's metrics, twice a second, are 280 KB a second: what came in must not be gone before it is looked for.
    outputLimit: 64 << 20,
  });
  const ended = () => (process.running() ? undefined : assertRuns(process.output()));
  await waitFor('the collector serves', () => ended() ?? process.output().includes('Everything is ready'), {
    within: 30_000,
  });
  return {
    grpcPort,
    httpPort,
    received: (what, pattern) => waitFor(what, () => pattern.exec(process.output())?.[0], { within: 30_000 }),
    count: (text) => process.output().split(text).length - 1,
    stop: () => process.stop(),
  };
}

function assertRuns(output: string): never {
  throw new Error(`the collector ended: ${output}`);
}

/** A span as Zipkin gives it back. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly name?: string;
  readonly kind?: string;
  readonly localEndpoint?: { readonly serviceName?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

/** A running Zipkin. */
export interface Zipkin {
  readonly url: string;
  /** Traces that some span of a service is in. */
  traces(service: string): Promise<readonly (readonly ZipkinSpan[])[]>;
  stop(): Promise<void>;
}

/** Starts Zipkin on a free port, with everything in memory. */
export async function startZipkin(): Promise<Zipkin> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = startProcess({
    name: 'zipkin',
    command: ['java', '-Xmx192m', '-XX:TieredStopAtLevel=1', '-jar', pathOf('zipkin')],
    args: [`--armeria.ports[0].port=${port}`, '--armeria.ports[0].ip=127.0.0.1', '--armeria.ports[0].protocols=HTTP'],
  });
  await waitFor('Zipkin serves', async () => (await fetch(`${url}/health`)).ok, { within: 60_000, every: 100 });
  return {
    url,
    async traces(service) {
      const response = await fetch(`${url}/api/v2/traces?serviceName=${service}&limit=100`);
      return (await response.json()) as readonly (readonly ZipkinSpan[])[];
    },
    stop: () => process.stop(),
  };
}
