// What the executables are made of, as a CycloneDX document: the same for the same tree, so that it can be compared and signed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.ts';

interface Bom {
  serialNumber?: string;
  readonly metadata: { timestamp?: string; component: { name: string } };
  readonly components: object[];
  readonly dependencies: { readonly ref: string; readonly dependsOn: string[] }[];
}

const timeLimit = 60_000;

/** The document's text. Packages come from the lockfile; the runtime inside of the executables is added. Throws when npm does not make it. */
export function createSbom(): string {
  const npm = spawnSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--omit', 'optional', '--package-lock-only'],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, timeout: timeLimit },
  );
  if (npm.status !== 0) throw new Error(`npm sbom failed: ${npm.stderr}`);
  const bom = JSON.parse(npm.stdout) as Bom;
  // A number and a time of each run would make two documents of one tree different.
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  // npm takes the folder's name.
  bom.metadata.component.name = 'ursa';
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly license: string }>>;
  };
  const bun = lock.packages['node_modules/bun'];
  if (bun === undefined) throw new Error('package-lock.json has no bun, which the executables are made of');
  const reference = `bun@${bun.version}`;
  bom.components.push({
    ...{ 'bom-ref': reference, type: 'platform', name: 'bun', version: bun.version, scope: 'required' },
    purl: `pkg:npm/bun@${bun.version}`,
    licenses: [{ license: { id: bun.license } }],
  });
  bom.dependencies.push({ ref: reference, dependsOn: [] });
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}
