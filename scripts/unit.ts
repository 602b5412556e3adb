// `npm run unit`: every fast test, in one process; a minute or two.
import './generate.ts';
import { formatTally, runNodeTests } from './node-tests.ts';

const tally = await runNodeTests({
  files: ['packages/*/test/**/*.test.ts', 'scripts/test/*.test.ts', 'examples/**/*.test.ts'],
  except: ['golden', 'slow'],
  limit: 10,
  isolation: 'none',
});
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
