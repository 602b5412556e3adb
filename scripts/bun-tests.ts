// Runs unit tests with Bun, the runtime of the executables: what differs from Node is in sockets, servers, files and processes (decision 0331).
import { globSync } from 'node:fs';
import { bunProgram } from './bun.ts';
import type { Tally } from './node-tests.ts';
import { capture, root } from './process.ts';

/** The tests of what stands at the border to the runtime. */
const atTheBorder = [
  'control-plane/test/{api/slow-clients,connection-limit,identity/follow-files,instances/calls,store/embedded-store}.test.ts',
  'control-plane/test/{delta,diagnostics,workers}/*.test.ts',
  'data-plane/test/{access-logs,bootstrap,credentials,envoy,exchange-code,joining,metrics,probe-proxy,redirection}.test.ts',
  'kumactl/test/{api-client,transparent-proxy}.test.ts',
];
const timeout = 60_000;

/** Runs them, shows what failed, and counts. A run that finds no test counts as a failure. */
export function runBunTests(): Tally {
  const files = globSync(
    atTheBorder.map((pattern) => `packages/${pattern}`),
    { cwd: root },
  ).sort();
  const { code, output } = capture(bunProgram, ['test', `--timeout=${timeout}`, ...files.map((file) => `./${file}`)]);
  const count = (word: string): number => Number(new RegExp(`^ *(\\d+) ${word}$`, 'm').exec(output)?.[1] ?? 0);
  const tally = { passed: count('pass'), failed: count('fail'), skipped: count('skip') };
  const hasFailed = code !== 0 || tally.passed === 0;
  if (hasFailed) console.log(output.replaceAll(/^\(pass\).*\n/gm, ''));
  return hasFailed && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}
