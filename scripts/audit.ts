// `npm run audit`: known vulnerabilities of what we ship. A registry that gives no advisories says so; that is no "none found".
import { spawnSync } from 'node:child_process';
import { formatTally } from './node-tests.ts';
import { root } from './process.ts';

interface Advisories {
  readonly error?: { readonly summary?: string };
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
}

const refused: readonly string[] = ['high', 'critical'];
const timeLimit = 60_000;

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--omit=optional', '--json'], {
  cwd: root,
  encoding: 'utf8',
  timeout: timeLimit,
});
const found = parseAdvisories(stdout);
if (found?.vulnerabilities === undefined) {
  console.log(`advisories were left out: ${found?.message ?? found?.error?.summary ?? 'the registry gives none'}`);
  console.log(formatTally({ passed: 0, failed: 0, skipped: 1 }));
} else {
  const all = Object.entries(found.vulnerabilities);
  for (const [name, { severity, range }] of all) console.log(`${severity}: ${name} ${range}`);
  const failed = all.filter(([, { severity }]) => refused.includes(severity)).length;
  console.log(formatTally({ passed: failed === 0 ? 1 : 0, failed, skipped: 0 }));
  process.exitCode = failed === 0 ? 0 : 1;
}

function parseAdvisories(text: string): Advisories | undefined {
  try {
    return JSON.parse(text) as Advisories;
  } catch {
    return undefined;
  }
}
