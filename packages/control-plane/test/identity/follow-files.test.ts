// Files are looked at every few seconds, each from the moment on in which following it begins.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../../../examples/demo/wait-for.ts';
import { followFiles } from '../../src/identity/follow-files.ts';

function openFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-follow-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('what changes, comes or goes is seen, whoever else follows files, and nothing after the end', async (context) => {
  const folder = openFolder(context);
  const place = (name: string): string => join(folder, name);
  for (const name of ['early', 'changes', 'goes', 'stays']) writeFileSync(place(name), 'before');
  const seen: string[] = [];
  const follow = (name: string) => followFiles([place(name)], () => seen.push(name));
  const early = follow('early');
  await sleep(100);
  const others = ['changes', 'comes', 'goes', 'stays'].map(follow);
  followFiles([place('changes')], () => assert.fail('it was stopped')).stop();
  writeFileSync(place('early'), 'after');
  writeFileSync(place('changes'), 'after');
  writeFileSync(place('comes'), '');
  rmSync(place('goes'));
  await waitFor('the first is seen', () => seen.includes('early'), { within: 30_000 });
  // Seen an interval later: by then the others have been.
  writeFileSync(place('early'), 'after that');
  await waitFor('the first is seen again', () => seen.filter((name) => name === 'early').length === 2, {
    within: 30_000,
  });
  assert.deepEqual(seen.slice(1, -1).sort(), ['changes', 'comes', 'goes']);
  for (const watch of [early, ...others]) watch.stop();
});
