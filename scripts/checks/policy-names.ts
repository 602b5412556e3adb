// A policy is one folder and one line: no other source file may name one. Otherwise a user's own policy would not be the equal of a built-in one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../process.ts';
import type { Check } from './check.ts';
import { trackedFiles } from './tracked-files.ts';

/** The list of built-in policies, and what is generated from it. */
const lists: readonly string[] = ['packages/policies/src/index.ts', 'packages/kumactl/src/policy-names.ts'];
const planted = 'scripts/checks/planted/names-a-policy.ts';

/** Lines of a source file on which a policy is named outside comments, as `file:line: name`. */
function namingLines(file: string, names: ReadonlySet<string>): readonly string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const named = ts.isStringLiteralLike(node) || ts.isIdentifier(node) ? node.text : '';
    if (names.has(named)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      found.push(`${file}:${line + 1}: ${named}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** No source file outside a policy's folder names the policy. */
export const policyNames: Check = {
  name: 'policy-names',
  async run() {
    const { policyResourceTypes } = await import('@ursa/policies');
    const { targetRefKinds } = await import('../../packages/resources/src/schema/target-ref.ts');
    // A kind of reference is a word of every policy's vocabulary.
    const types = policyResourceTypes.filter(({ name }) => !targetRefKinds.some((kind) => kind === name));
    const names = new Set(types.flatMap(({ name, path }) => [name, path]));
    const files = trackedFiles(/^packages\/[^/]+\/src\/.*\.ts$/).filter(
      (file) => !lists.includes(file) && !/^packages\/policies\/src\/mesh-/.test(file),
    );
    const problems = files
      .flatMap((file) => namingLines(file, names))
      .map((place) => `${place}: only its own folder may name a policy`);
    if (namingLines(planted, names).length === 0)
      problems.push(`the name planted in ${planted} was not found: the check sees nothing`);
    return problems;
  },
};
