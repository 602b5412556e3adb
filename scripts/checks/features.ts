// Holds docs/features.md against the tree: each row that works names a test, and that test exists.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../process.ts';
import type { Check } from './check.ts';

const table = 'docs/features.md';
const states = ['works', 'part', 'not yet'];
const fewestRows = 200;

/** Every feature row has a state, and a row that works, wholly or in part, names tests that exist: `file` or `file › words of the test's name`. */
export const features: Check = {
  name: 'features',
  run() {
    const problems: string[] = [];
    const rows = readFileSync(join(root, table), 'utf8')
      .split('\n')
      .filter((line) => /^\| [A-Z]\d+ /.test(line));
    if (rows.length < fewestRows) problems.push(`${table}: ${rows.length} rows, expected ${fewestRows} or more`);
    for (const row of rows) {
      const [id = '', , state = '', proof = ''] = row
        .split('|')
        .slice(1)
        .map((cell) => cell.trim());
      if (!states.includes(state)) problems.push(`${table} ${id}: state "${state}", expected ${states.join(', ')}`);
      if (state === 'not yet') continue;
      const references = [...proof.matchAll(/`([^`]+)`/g)]
        .map((match) => match[1] ?? '')
        .filter((text) => text.includes('.test.ts'));
      if (references.length === 0) problems.push(`${table} ${id}: ${state}, but names no test`);
      for (const reference of references) {
        const [file = '', title] = reference.split(' › ');
        if (!existsSync(join(root, file))) problems.push(`${table} ${id}: ${file} does not exist`);
        else if (title !== undefined && !readFileSync(join(root, file), 'utf8').includes(title))
          problems.push(`${table} ${id}: no test "${title}" in ${file}`);
      }
    }
    return problems;
  },
};
