// The golden set of `kumactl apply`: what is printed and what is in the store afterwards.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../terminal.ts';
import { configurationFor, openGoldenServer } from './golden-server.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface ApplyCase extends GoldenCase {
  readonly input: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly store: string;
}

async function checks(golden: ApplyCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  const server = await openGoldenServer();
  try {
    const configFile = join(place.folder, 'config');
    writeFileSync(configFile, configurationFor(server.url));
    const result = await run(['--config-file', configFile, 'apply', '-f', place.path(golden.input)]);
    const expected = (file: string): string => (file === '' ? '' : place.read(file));
    return [
      { name: 'stdout', actual: result.stdout, expected: expected(golden.stdout) },
      { name: 'stderr', actual: result.stderr, expected: expected(golden.stderr) },
      { name: 'store', actual: server.printStore(), expected: expected(golden.store) },
    ];
  } finally {
    await server.close();
  }
}

const ownWords = 'the error says file, line and column and shows the text; nothing is printed or stored, as in the set';

testGoldenSet<ApplyCase>('kumactl-apply', {
  checks,
  passing: 13,
  skipped: new Map([
    ['bad_yaml.input.yaml', ownWords],
    ['bad_yaml_inside_multiple_entries.input.yaml', ownWords],
  ]),
});
