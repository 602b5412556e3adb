import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { whyUnusable } from '../src/application/find-program.ts';

const workingFolder = mkdtempSync(join(tmpdir(), 'ursa-find-program-'));
after(() => rmSync(workingFolder, { recursive: true }));
mkdirSync(join(workingFolder, 'bin'));
for (const [name, mode] of [
  ['app', 0o755],
  ['notes', 0o644],
] as const) {
  writeFileSync(join(workingFolder, 'bin', name), '');
  chmodSync(join(workingFolder, 'bin', name), mode);
}
const place = { environment: { PATH: `/nowhere:${join(workingFolder, 'bin')}` }, workingFolder };

test('a program is found by PATH, and by a path from the working folder', () => {
  for (const program of ['app', 'bin/app', './bin/app', join(workingFolder, 'bin', 'app')])
    assert.equal(whyUnusable(program, place), undefined, program);
  const here = { environment: { PATH: ':/nowhere' }, workingFolder: join(workingFolder, 'bin') };
  assert.equal(whyUnusable('app', here), undefined);
});

test('what is not there ends as in a shell, and says where it was looked for', () => {
  assert.deepEqual(whyUnusable('ap', place), {
    code: 127,
    reason: `program "ap" was not found: it is in no folder of PATH (${place.environment.PATH})`,
  });
  assert.deepEqual(whyUnusable('./app', place), {
    code: 127,
    reason: `program "./app" was not found: there is no file ${join(workingFolder, 'app')}`,
  });
  assert.equal(whyUnusable('bin', { ...place, environment: { PATH: workingFolder } })?.code, 127);
  assert.equal(whyUnusable('ls', { ...place, environment: {} }), undefined);
});

test('what must not be executed is another matter', () => {
  assert.deepEqual(whyUnusable('notes', place), {
    code: 126,
    reason: `${join(workingFolder, 'bin', 'notes')} is no executable file: "chmod +x" makes it one`,
  });
});
