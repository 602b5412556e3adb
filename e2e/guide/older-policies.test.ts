// Every command of the guide "Coming from older policies" does what the guide says. It needs no control plane: the guide asks files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingLine, readGuide } from '../harness/guide.ts';
import { programs } from '../harness/world.ts';

const root = join(import.meta.dirname, '../..');
const kumactl = programs.kumactl.map((word) => `'${word}'`).join(' ');

for (const { line, commands, prints } of readGuide(join(root, 'docs/guide/older-policies.md'))) {
  test(`line ${line}: ${commands}`, () => {
    const script = `npx() { shift; ${kumactl} "$@"; }\nexec 2>&1; set -e\n${commands}`;
    const { status, stdout } = spawnSync('bash', ['-c', script], { cwd: root, encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, stdout);
    assert.equal(missingLine(stdout, prints), undefined, stdout);
  });
}
