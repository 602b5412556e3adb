// The golden set of `kumactl config`: the configuration file after a command, and what is printed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { run } from '../terminal.ts';
import { type GoldenCase, type GoldenCheck, type GoldenPlace, testGoldenSet } from './golden-set.ts';

interface ConfigCase extends GoldenCase {
  readonly args: readonly string[];
  readonly initialConfig: string;
  readonly expectedConfig?: string;
  readonly stdout?: string;
  readonly expectedStdoutFile?: string;
}

const address = 'http://placeholder-address';

async function checks(golden: ConfigCase, place: GoldenPlace): Promise<readonly GoldenCheck[]> {
  const configFile = join(place.folder, 'config');
  writeFileSync(configFile, place.read(golden.initialConfig));
  const args = golden.args.map((argument) => argument.replace('<ADDRESS>', address));
  const { stdout, stderr } = await run(['--config-file', configFile, ...args]);
  const results: GoldenCheck[] = [{ name: 'stderr', actual: stderr, expected: '' }];
  if (golden.stdout !== undefined) results.push({ name: 'stdout', actual: stdout, expected: golden.stdout });
  if (golden.expectedStdoutFile !== undefined)
    results.push({ name: 'stdout', actual: parse(stdout), expected: parse(place.read(golden.expectedStdoutFile)) });
  if (golden.expectedConfig !== undefined)
    results.push({
      name: 'file',
      actual: parse(readFileSync(configFile, 'utf8')),
      expected: parse(place.read(golden.expectedConfig)),
    });
  return results;
}

testGoldenSet<ConfigCase>('kumactl-config', { checks, passing: 23 });
