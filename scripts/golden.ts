// `npm run golden`: recorded inputs and outputs, ours (scenarios) and the peer's (../shared/conformance/golden, left out when absent).
// `--write` makes what the scenarios give now their expectation: read the differences before you commit them.
import './generate.ts';
import { formatTally, runNodeTests } from './node-tests.ts';

const tally = await runNodeTests({
  files: ['packages/*/test/golden/**/*.test.ts'],
  limit: 15,
  isolation: 'process',
  timeout: 300_000,
  env: process.argv.includes('--write') ? { URSA_GOLDEN: 'write' } : {},
});
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
