// The golden sets of `kumactl get`, played against the real REST API: tables, YAML and JSON byte for byte.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../terminal.ts';
import { configurationFor, openGoldenServer } from './golden-server.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface GetCase extends GoldenCase {
  readonly apply: string;
  readonly commands: readonly { readonly name: string; readonly args: readonly string[]; readonly expected: string }[];
}

const clock = Date.parse('2008-04-01T16:05:36.995Z');

async function checks(golden: GetCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  const server = await openGoldenServer();
  try {
    const configFile = join(place.folder, 'config');
    writeFileSync(configFile, configurationFor(server.url));
    const flags = ['--config-file', configFile];
    const applied = await run([...flags, 'apply', '-f', place.path(golden.apply)]);
    const results: GoldenCheck[] = [];
    for (const { name, args, expected } of golden.commands) {
      const { stdout, stderr } = await run([...flags, ...args], { now: clock });
      results.push({ name, actual: stdout + applied.stderr + stderr, expected: place.read(expected) });
    }
    return results;
  } finally {
    await server.close();
  }
}

const byName =
  'our lists are in order of names on every page; the recorded store lists in order of creation when it does not page';
const asWritten =
  'in JSON our fields stand in the order in which they were written; the YAML of the case is compared elsewhere';

testGoldenSet<GetCase>('kumactl-get-list', {
  checks,
  passing: 42,
  skipped: new Map([
    ['get-dataplanes.input.yaml', byName],
    ['get-external-services.input.yaml', byName],
    ['get-retries.input.yaml', byName],
    ['get-meshtimeouts.input.yaml', asWritten],
  ]),
});
testGoldenSet<GetCase>('kumactl-get-one', {
  checks,
  passing: 29,
  skipped: new Map([['get-meshtimeout.golden.yaml', asWritten]]),
});
