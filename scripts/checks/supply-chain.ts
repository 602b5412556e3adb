// What comes from others: pinned, whole, under licences we may pass on, and without programs that run when it is installed.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../process.ts';
import type { Check } from './check.ts';

/** What package-lock.json says of a package (the parts that are looked at). */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

/** Dependencies by name, as a package.json states them. */
export type StatedDependencies = Readonly<Record<string, string>>;

const licences: readonly string[] = ['Apache-2.0', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD'];
/** Most packages that ours name for what runs (`spec/quality.md` section 3.3). */
const mostRuntimeDependencies = 25;

export const supplyChain: Check = {
  name: 'supply-chain',
  run() {
    const lock = readJson('package-lock.json') as { readonly packages: Readonly<Record<string, LockedPackage>> };
    const stated = globSync(['package.json', 'packages/*/package.json'], { cwd: root }).map((file) => {
      const {
        dependencies = {},
        devDependencies = {},
        optionalDependencies = {},
      } = readJson(file) as Readonly<Record<string, StatedDependencies>>;
      return { file, runtime: dependencies, all: { ...dependencies, ...devDependencies, ...optionalDependencies } };
    });
    const settings = readFileSync(join(root, '.npmrc'), 'utf8');
    return [
      ...findLockProblems(lock.packages),
      ...stated.flatMap(({ file, all }) => findLooseVersions(file, all)),
      ...findTooMany(stated.map(({ runtime }) => runtime)),
      ...(/^ignore-scripts=true$/m.test(settings) ? [] : ['.npmrc: expected ignore-scripts=true']),
    ];
  },
};

/** Packages that are not whole, not ours to pass on, or that would run at installation on a user's machine. */
export function findLockProblems(packages: Readonly<Record<string, LockedPackage>>): readonly string[] {
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (!path.includes('node_modules/') || entry.link === true) return [];
    const name = `package-lock.json: ${path.replace(/^.*node_modules\//, '')} ${entry.version}`;
    const ships = entry.dev !== true && entry.optional !== true;
    return [
      // The lockfile knows no digest of packages for platforms that the registry did not show it: none of them runs where we build.
      ...(entry.optional === true || entry.integrity?.startsWith('sha512-') ? [] : [`${name} has no sha512 integrity`]),
      ...(entry.resolved === undefined ? [] : [`${name} names the host it came from`]),
      ...(ships && !isFree(entry.license)
        ? [`${name} has licence ${entry.license}; expected one of ${licences.join(', ')}`]
        : []),
      ...(ships && entry.hasInstallScript === true ? [`${name} runs a program when it is installed`] : []),
    ];
  });
}

/** Of a joined licence every part counts: an "or" is somebody's to read. */
function isFree(licence = ''): boolean {
  return licence
    .replaceAll(/[()]/g, '')
    .split(/ AND | OR /)
    .every((part) => licences.includes(part));
}

/** Versions that are not one version. */
export function findLooseVersions(file: string, dependencies: StatedDependencies): readonly string[] {
  return Object.entries(dependencies)
    .filter(([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+$/.test(version))
    .map(([name, version]) => `${file}: ${name} "${version}": expected one exact version`);
}

function findTooMany(runtime: readonly StatedDependencies[]): readonly string[] {
  const names = new Set(runtime.flatMap((dependencies) => Object.keys(dependencies)));
  if (names.size <= mostRuntimeDependencies) return [];
  return [`${names.size} runtime dependencies; expected ${mostRuntimeDependencies} at most`];
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}
