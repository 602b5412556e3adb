// `npm run golden`: recorded inputs and outputs, ours (scenarios) and the peer's (../shared/conformance/golden, left out when absent).
import './generate.ts';
import { formatTally, runNodeTests } from './node-tests.ts';

const tally = runNodeTests({ files: ['packages/*/test/golden/**/*.test.ts'], isolation: 'process', timeout: 300_000 });
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
