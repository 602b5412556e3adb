// What the check of other people's packages finds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLockProblems, findLooseVersions } from '../checks/supply-chain.ts';

const whole = { version: '1.0.0', license: 'MIT', integrity: 'sha512-AAAA' };

test('a package that is whole, free and quiet is no problem, nor are our own', () => {
  assert.deepEqual(
    findLockProblems({
      '': { version: '1' },
      'packages/engine': {},
      'node_modules/a': whole,
      'node_modules/b': { link: true },
    }),
    [],
  );
});

test('what is not whole, names a host, is not ours to pass on or runs at installation is named', () => {
  const problems = findLockProblems({
    'node_modules/a': { ...whole, integrity: 'sha1-AAAA', resolved: 'somewhere' },
    'packages/x/node_modules/b': { ...whole, license: 'GPL-3.0' },
    'node_modules/c': { ...whole, hasInstallScript: true },
    'node_modules/tool': { ...whole, license: 'MPL-2.0', hasInstallScript: true, dev: true },
  });
  assert.deepEqual(problems, [
    'package-lock.json: a 1.0.0 has no sha512 integrity',
    'package-lock.json: a 1.0.0 names the host it came from',
    'package-lock.json: b 1.0.0 has licence GPL-3.0; expected one of Apache-2.0, MIT, BSD-2-Clause, BSD-3-Clause, ISC, 0BSD',
    'package-lock.json: c 1.0.0 runs a program when it is installed',
  ]);
});

test('a range is not a version', () => {
  const stated = { a: '1.2.3', b: '^1.2.3', c: 'latest', d: 'npm:other@7.0.2', e: '*' };
  assert.deepEqual(
    findLooseVersions('package.json', stated).map((line) => line.split(' ')[1]),
    ['b', 'c', 'e'],
  );
});
