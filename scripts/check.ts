// `npm run check`: everything that can be said about the tree without running it. Each check prints what is wrong and where.
import './generate.ts';
import { boundaries } from './checks/boundaries.ts';
import type { Check } from './checks/check.ts';
import { documentation } from './checks/documentation.ts';
import { features } from './checks/features.ts';
import { formatting, types, unused } from './checks/linters.ts';
import { policyNames } from './checks/policy-names.ts';
import { sizes } from './checks/sizes.ts';
import { supplyChain } from './checks/supply-chain.ts';
import { wording } from './checks/wording.ts';
import { formatTally } from './node-tests.ts';

const checks: readonly Check[] = [
  types,
  formatting,
  boundaries,
  policyNames,
  sizes,
  unused,
  wording,
  features,
  documentation,
  supplyChain,
];
const only = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const check of checks) {
  if (only.length > 0 && !only.includes(check.name)) continue;
  const problems = await check.run();
  if (problems.length === 0) passed += 1;
  else failed += 1;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check.name}`);
  for (const problem of problems) console.log(`     ${problem}`);
}
console.log(formatTally({ passed, failed, skipped: 0 }));
process.exitCode = failed === 0 ? 0 : 1;
