// `npm run e2e`: stories with real control planes, proxies and Envoys. `--runtime bun|dist` runs other builds of the programs, further words
// are stories to run.
import './generate.ts';
import { parseArgs } from 'node:util';
import { fetchEnvoy } from '@ursa/data-plane';
import { formatTally, runNodeTests } from './node-tests.ts';
import { fetchTool, toolNames } from './tools/collectors.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runtime: { type: 'string', default: 'node' } },
});
const runtimes = ['node', 'bun', 'dist'];
if (!runtimes.includes(values.runtime))
  throw new Error(`--runtime ${values.runtime}: expected one of ${runtimes.join(', ')}`);
await fetchEnvoy(process.env);
const stories = positionals.length > 0 ? positionals : ['*'];
// A story whose collector cannot be had on this machine is left out, and says why.
for (const name of toolNames) fetchTool(name);
const tally = await runNodeTests({
  files: stories.map((story) => `e2e/${story}/*.test.ts`),
  limit: 35,
  isolation: 'process',
  concurrency: 2,
  timeout: 120_000,
  secondAttempts: 3,
  env: { URSA_E2E_RUNTIME: values.runtime },
});
console.log(formatTally(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
