// Things that must not stand in a committed file: registry hosts, paths of one machine, tests switched off without a reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../process.ts';
import type { Check } from './check.ts';
import { trackedFiles } from './tracked-files.ts';

const registryHosts = [
  'registry.npmjs' + '.org',
  'pypi' + '.org',
  'files.pythonhosted' + '.org',
  'proxy.golang' + '.org',
  'crates' + '.io',
];
const machinePaths = /(^|[\s"'`(=:])\/(work|root)\//;
const switchedOff = /\b(it|test|describe)\.(skip|todo|only)\b(?!.*\/\/ because )/;

/** No registry host, no path of one machine, no test switched off in silence. */
export const wording: Check = {
  name: 'wording',
  run() {
    const problems: string[] = [];
    for (const file of trackedFiles(/\.(ts|cjs|md|json|yaml|yml|sh|txt)$|^\.ci\//)) {
      if (file === 'scripts/checks/wording.ts') continue;
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .forEach((line, index) => {
          const place = `${file}:${index + 1}`;
          for (const host of registryHosts)
            if (line.includes(host)) problems.push(`${place}: names the registry host ${host}`);
          if (machinePaths.test(line)) problems.push(`${place}: holds a path of one machine`);
          if (/\.ts$/.test(file) && switchedOff.test(line))
            problems.push(`${place}: a test is switched off without "// because …" on its line`);
        });
    }
    return problems;
  },
};
