// Programs that the demo and the tests start: their output is kept, and they are ended by their process id.
import { spawn } from 'node:child_process';

/** A running program. */
export interface ChildProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Whether it still runs. */
  running(): boolean;
  /** What it wrote lately, both streams in the order of arrival. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end with SIGTERM and waits; after the patience (milliseconds) it is killed. */
  stop(patience?: number): Promise<void>;
}

/** How a program is started. */
export interface ChildProcessOptions {
  readonly name: string;
  /** Program and leading arguments. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Characters of its output that are kept; 256 Ki unless told. */
  readonly outputLimit?: number;
}

const defaultOutputLimit = 256 << 10;
const running = new Set<{ kill(signal: NodeJS.Signals): boolean }>();

// Whatever ends this process, what it started goes with it. kuma-dp takes its Envoy along.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program in a session of its own, so that Ctrl-C reaches only the one who has to end it in order. */
export function startProcess({
  name,
  command,
  args,
  environment,
  outputLimit = defaultOutputLimit,
}: ChildProcessOptions): ChildProcess {
  const [program = '', ...leading] = command;
  const child = spawn(program, [...leading, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputLimit);
    });
  }
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (error) => {
      output += `${program}: ${error.message}\n`;
      resolve({ code: 127, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  void exited.then(() => running.delete(child));
  const isRunning = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid ?? 0,
    exited,
    running: isRunning,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    async stop(patience = 10_000) {
      if (isRunning()) child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), patience);
      await exited;
      clearTimeout(killer);
    },
  };
}
