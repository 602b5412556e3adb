// Every scenario of the repository, whole texts compared. URSA_GOLDEN=write rewrites the expectations: read them before you commit them.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { runScenario, scenarioFolders } from '../scenario.ts';

const write = process.env.URSA_GOLDEN === 'write';
const folders = scenarioFolders();

test('there are scenarios', () => assert.ok(folders.length > 0));

for (const folder of folders) {
  test(`scenario ${basename(folder)}: every proxy gets exactly the expected configuration`, () => {
    for (const { proxy, expected, actual } of runScenario(folder, write)) assert.equal(actual, expected, proxy);
  });
}
