// The names of the built-in policies as a module of kumactl, which is to know them without loading the policies (decision 0090).
import { policyResourceTypes } from '@ursa/policies';

/** The module's text. */
export function policyNamesModule(): string {
  const lines = policyResourceTypes.map(({ name, shortName }) => `  ['${name}', '${shortName}'],\n`);
  return `// The built-in policies by name, in their order. Written by \`node scripts/document.ts\`: do not edit.

/** Name and short name of every built-in policy. */
export const policyNames: readonly (readonly [name: string, shortName: string])[] = [
${lines.join('')}];
`;
}
