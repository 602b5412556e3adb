// Import boundaries of the design, checked by dependency-cruiser. A run that saw few modules is a failure, and a planted violation must be found.
import { capture } from '../process.ts';
import type { Check } from './check.ts';

/** Far fewer modules than this means that the tool could not read TypeScript and checked nothing. */
const leastModules = 100;
const plantedViolation = 'scripts/checks/planted';

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

function cruise(folders: readonly string[]): Report {
  const { output } = capture(process.execPath, [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    'scripts/checks/boundaries.config.cjs',
    '--output-type',
    'json',
    ...folders,
  ]);
  return JSON.parse(output);
}

/** Modules import only what the design allows. */
export const boundaries: Check = {
  name: 'boundaries',
  run() {
    const problems: string[] = [];
    const { summary } = cruise(['packages']);
    if (summary.totalCruised < leastModules)
      problems.push(`looked at ${summary.totalCruised} modules only, expected ${leastModules} or more`);
    for (const { from, to, rule } of summary.violations) problems.push(`${from} must not import ${to} (${rule.name})`);
    const planted = cruise([plantedViolation]).summary.violations.map((violation) => violation.rule.name);
    if (!planted.includes('planted'))
      problems.push(`the violation planted in ${plantedViolation} was not found: the tool sees nothing`);
    return problems;
  },
};
