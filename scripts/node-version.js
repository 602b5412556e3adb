// Says what is missing when an older Node starts a program from its sources. It could not read TypeScript, so this is none; node-version.d.ts has its types.
import { readFileSync } from 'node:fs';

const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

export function describeOldNode(program, version, required) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = required.replace('>=', '').split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `${program}: started from its sources it needs Node ${required}, this is ${version}: use "npx ${program}", which brings its own, or dist/${program} after "npm run build"`;
}

export function requireNode(program) {
  const problem = describeOldNode(program, process.versions.node, description.engines.node);
  if (problem === undefined) return;
  console.error(problem);
  process.exit(1);
}
