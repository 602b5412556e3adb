// `npm run conformance`: plays the peer's recorded behaviour against our control plane and holds each area's count against the floor that was
// reached before. `--all` runs every area (the default leaves out areas whose floor is 0), `--update` raises the floors and rewrites the table,
// further words are areas or scenario names to run, with differences printed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTally } from './node-tests.ts';
import { root } from './process.ts';
import { buildGoTool, conformanceFolder } from './shared-material.ts';

interface Outcome {
  readonly name: string;
  readonly area: string;
  readonly status: 'pass' | 'fail' | 'error' | 'skip';
  readonly diff?: readonly string[];
  readonly error?: string;
}

/** Per area: the scenarios that pass, by name. */
type Floors = Record<string, readonly string[]>;

const floorsFile = join(root, 'conformance', 'floors.json');
const tableFile = join(root, 'docs', 'conformance.md');
const words = process.argv.slice(2);
// The corpus holds addresses with the peer's port; `--own-ports` lets two runs share a machine at the price of those cases.
const portShift = words.includes('--own-ports') ? 100 * (process.pid % 200) : 0;
const apiAddress = `http://127.0.0.1:${15681 + portShift}`;
const xdsAddress = `127.0.0.1:${15678 + portShift}`;
const update = words.includes('--update');
const everything = words.includes('--all') || update;
const chosen = words.filter((word) => !word.startsWith('--'));

if (!existsSync(conformanceFolder)) {
  console.log('conformance was left out: ../shared/conformance is not beside this checkout');
} else {
  await main();
}

async function main(): Promise<void> {
  const floors: Floors = JSON.parse(readFileSync(floorsFile, 'utf8'));
  const areas = readdirSync(join(conformanceFolder, 'oracle')).sort();
  const selected = areas.filter((area) =>
    chosen.length > 0 ? chosen.includes(area) : everything || (floors[area]?.length ?? 0) > 0,
  );
  const scenario = chosen.filter((word) => !areas.includes(word)).join('|');
  const outcomes = await play(selected.length > 0 ? selected : areas, scenario);
  if (chosen.length > 0) {
    const failed = outcomes.filter((outcome) => outcome.status !== 'pass').length;
    console.log(formatTally({ passed: outcomes.length - failed, failed, skipped: 0 }));
    process.exitCode = failed === 0 ? 0 : 1;
    return;
  }
  const passing = passingByArea(outcomes);
  if (update) {
    writeFileSync(floorsFile, `${JSON.stringify(passing, null, 2)}\n`);
    writeTable(areas, passing, outcomes);
  }
  const lost = Object.entries(floors).flatMap(([area, names]) =>
    names.filter((name) => !passing[area]?.includes(name)),
  );
  for (const name of lost) console.log(`fell below the floor: ${name} passed before`);
  const passed = Object.values(passing).flat().length;
  console.log(formatTally({ passed, failed: lost.length, skipped: 0 }));
  process.exitCode = lost.length === 0 ? 0 : 1;
}

/** Starts a control plane with the corpus' settings, runs the checker, stops the control plane. */
async function play(areas: readonly string[], scenario: string): Promise<readonly Outcome[]> {
  const checker = buildGoTool(join(conformanceFolder, 'check-oracle'), 'check-oracle');
  const folder = mkdtempSync(join(tmpdir(), 'ursa-conformance-'));
  const settings = readFileSync(join(conformanceFolder, 'check-oracle', 'peer.env'), 'utf8')
    .split('\n')
    .filter((line) => /^KUMA_/.test(line))
    .map((line) => line.split(/=(.*)/s).slice(0, 2))
    .map(([name = '', value = '']) => [name, name.endsWith('_PORT') ? String(Number(value) + portShift) : value]);
  const executable = join(root, 'dist', 'kuma-cp');
  const [command, args] = existsSync(executable)
    ? [executable, ['run']]
    : [process.execPath, [join(root, 'packages', 'control-plane', 'src', 'main.ts'), 'run']];
  const controlPlane = spawn(command, [...args, '--log-output-path', join(folder, 'kuma-cp.log')], {
    env: {
      ...process.env,
      ...Object.fromEntries(settings),
      KUMA_GENERAL_WORK_DIR: folder,
      KUMA_API_SERVER_HTTP_INTERFACE: '127.0.0.1',
      // The corpus has patches that Envoy refuses: the peer stores them.
      KUMA_POLICIES_ENVOY_VALIDATION_ENABLED: 'false',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    await ready(`${apiAddress}/`, controlPlane);
    const report = join(folder, 'report.json');
    const result = spawnSync(
      checker,
      [
        '-api',
        apiAddress,
        '-xds',
        xdsAddress,
        '-parallel',
        '4',
        '-timeout',
        chosen.length > 0 ? '4s' : '8s',
        ...(chosen.length > 0 ? ['-v', '-max-diff', '60'] : []),
        ...(scenario === '' ? [] : ['-only', `^(${scenario})$`]),
        '-json',
        report,
        ...areas.map((area) => join(conformanceFolder, 'oracle', area)),
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    if (!existsSync(report)) throw new Error(`the checker ended with ${result.status} and left no report`);
    const parsed: readonly Outcome[] | { results: readonly Outcome[] } = JSON.parse(readFileSync(report, 'utf8'));
    return 'results' in parsed ? parsed.results : parsed;
  } finally {
    const ended = new Promise((resolve) => controlPlane.once('exit', resolve));
    controlPlane.kill('SIGTERM');
    if (controlPlane.exitCode === null && controlPlane.signalCode === null) await ended;
    rmSync(folder, { recursive: true });
  }
}

async function ready(url: string, controlPlane: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (controlPlane.exitCode !== null) throw new Error(`kuma-cp ended with ${controlPlane.exitCode} before it served`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    await sleep(50);
  }
  throw new Error(`${url} did not answer within 10 s`);
}

function passingByArea(outcomes: readonly Outcome[]): Floors {
  const passing: Record<string, string[]> = {};
  for (const outcome of outcomes) {
    passing[outcome.area] ??= [];
    if (outcome.status === 'pass') passing[outcome.area]?.push(outcome.name);
  }
  for (const names of Object.values(passing)) names.sort();
  return Object.fromEntries(Object.entries(passing).sort(([left], [right]) => left.localeCompare(right)));
}

/** Rewrites the table of areas between its marks; the rest of the page is written by hand. */
function writeTable(areas: readonly string[], passing: Floors, outcomes: readonly Outcome[]): void {
  const rows = areas.map((area) => {
    const all = outcomes.filter((outcome) => outcome.area === area).map((outcome) => outcome.name);
    const missing = all.filter((name) => !passing[area]?.includes(name)).sort();
    return `| ${area} | ${passing[area]?.length ?? 0} of ${all.length} | ${missing.join(', ')} |`;
  });
  const table = ['| area | scenarios that pass | the others |', '|---|---|---|', ...rows].join('\n');
  const page = readFileSync(tableFile, 'utf8');
  writeFileSync(
    tableFile,
    page.replace(/(<!-- table of areas -->)[\s\S]*?(<!-- end of table -->)/, `$1\n${table}\n$2`),
  );
}
