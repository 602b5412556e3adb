// The border to the host whose traffic is redirected: its programs, its files, its network. Tests give a host of their own.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a program said. */
export interface ProgramResult {
  /** Its exit code; 127 when it could not be started. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What installing and uninstalling may do to a host. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  run(program: string, args: readonly string[], options?: ProgramOptions): ProgramResult;
  /** Path of a program, which is a name or a path; undefined when there is none. */
  find(program: string): string | undefined;
  /** Content of a file; undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** Writes over a file and keeps its mode. */
  write(path: string, content: string): void;
  remove(path: string): void;
  /** Names in a folder; none when it cannot be read. */
  list(path: string): readonly string[];
  /** Where a link leads; '' when it cannot be read. */
  readLink(path: string): string;
  /** Name of the loopback interface. */
  loopback(): string;
  pause(milliseconds: number): Promise<void>;
}

/** How a program is run. */
export interface ProgramOptions {
  readonly input?: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

// Root's PATH may lack them where kumactl is started by another program.
const systemFolders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The host that this process runs on, seen from its network namespace. */
export function openHost(): Host {
  return {
    platform: process.platform,
    isRoot: process.geteuid?.() === 0,
    run(program, args, { input = '', env = {} } = {}) {
      const result = spawnSync(program, args, {
        input,
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C', ...env },
      });
      const reason = result.error === undefined ? '' : result.error.message;
      return { status: result.status ?? 127, stdout: result.stdout ?? '', stderr: `${result.stderr ?? ''}${reason}` };
    },
    find(program) {
      if (isAbsolute(program)) return isExecutable(program) ? program : undefined;
      const folders = [...(process.env.PATH ?? '').split(delimiter).filter(isAbsolute), ...systemFolders];
      return folders.map((folder) => join(folder, program)).find(isExecutable);
    },
    read: (path) => tryTo(() => readFileSync(path, 'utf8')),
    write: (path, content) => writeFileSync(path, content),
    remove: (path) => rmSync(path, { force: true }),
    list: (path) => tryTo(() => readdirSync(path)) ?? [],
    readLink: (path) => tryTo(() => readlinkSync(path)) ?? '',
    loopback: () =>
      Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ internal }) => internal))?.[0] ??
      'lo',
    pause: (milliseconds) => sleep(milliseconds),
  };
}

function isExecutable(path: string): boolean {
  return (
    tryTo(() => {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    }) === true
  );
}

function tryTo<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
