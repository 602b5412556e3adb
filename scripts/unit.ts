// `npm run unit`: every fast test, in one process; a minute or two. `--runtime bun` runs those with Bun that its differences from Node concern.
import './generate.ts';
import { parseArgs } from 'node:util';
import { runBunTests } from './bun-tests.ts';
import { formatTally, runNodeTests } from './node-tests.ts';

const { values } = parseArgs({ options: { runtime: { type: 'string', default: 'node' } } });
if (!['node', 'bun'].includes(values.runtime))
  throw new Error(`--runtime ${values.runtime}: expected one of node, bun`);
const tally =
  values.runtime === 'bun'
    ? runBunTests()
    : await runNodeTests({
        files: ['packages/*/test/**/*.test.ts', 'scripts/test/*.test.ts', 'examples/**/*.test.ts'],
        except: ['golden', 'slow'],
        limit: 10,
        isolation: 'none',
      });
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
