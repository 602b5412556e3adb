// Asks an Envoy executable what it is, and says whether our configuration suits it.
import { execFile } from 'node:child_process';
import { MeshError } from '@ursa/resources';
import { envoyVersion } from './release.ts';

/** What `envoy --version` says. */
export interface EnvoyVersion {
  /** `1.40.0` */
  readonly version: string;
  /** `<commit>/1.40.0/Clean/RELEASE/BoringSSL` */
  readonly build: string;
  /** Whether it has the minor version that this kuma-dp is made for. */
  readonly compatible: boolean;
}

/** How many minor versions away from ours an Envoy may be. Older ones refuse fields that the control plane sends. */
const toleratedMinors = 2;

/** Runs `envoy --version`. Throws when that is no Envoy, or one too far from the version we are made for. */
export async function readEnvoyVersion(path: string): Promise<EnvoyVersion> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(path, ['--version'], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(`${stdout}${stderr}`);
      reject(
        new MeshError(
          'invalid',
          `${path} does not run: ${firstLine(stderr) ?? error.message}; give another Envoy with --binary-path`,
        ),
      );
    });
  });
  return parseEnvoyVersion(output, path);
}

/** Reads the line that `envoy --version` prints. */
export function parseEnvoyVersion(output: string, path: string): EnvoyVersion {
  const build = output.match(/version:\s*(\S+)/)?.[1];
  const version = build?.split('/')[1];
  const numbers = version?.match(/^(\d+)\.(\d+)\.\d+/);
  if (build === undefined || version === undefined || numbers === null || numbers === undefined) {
    throw new MeshError(
      'invalid',
      `${path} is not Envoy: "--version" printed "${firstLine(output) ?? ''}"; give Envoy's path with --binary-path`,
    );
  }
  const [wantedMajor, wantedMinor] = envoyVersion.split('.').map(Number);
  const [major, minor] = [Number(numbers[1]), Number(numbers[2])];
  if (major !== wantedMajor || Math.abs(minor - (wantedMinor ?? 0)) > toleratedMinors) {
    const range = `${wantedMajor}.${(wantedMinor ?? 0) - toleratedMinors} to ${wantedMajor}.${(wantedMinor ?? 0) + toleratedMinors}`;
    throw new MeshError(
      'unsupported',
      `${path} is Envoy ${version}, but versions ${range} work here; give Envoy ${envoyVersion} with --binary-path`,
    );
  }
  return { version, build, compatible: minor === wantedMinor };
}

function firstLine(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim();
}
