// The tests that need a real Envoy, a real disk or many seconds; part of `npm test`.
import './generate.ts';
import { formatTally, runNodeTests } from './node-tests.ts';

const tally = await runNodeTests({
  files: ['packages/*/test/slow/**/*.test.ts'],
  limit: 25,
  isolation: 'process',
  concurrency: 2,
  timeout: 600_000,
  secondAttempts: 3,
});
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
