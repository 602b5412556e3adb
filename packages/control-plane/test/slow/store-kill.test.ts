// kill -9 of a writing process at 200 random moments: no acknowledged write is lost, none is torn.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '@ursa/resources';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { follow } from '../store-contract.ts';

const kills = 200;
const writer = join(import.meta.dirname, 'store-writer.ts');

interface Acknowledged {
  readonly number: number;
  readonly revision: number;
}

/** Lets a writer work for a moment, kills it, and returns what it had acknowledged, in the order it was printed. */
async function writeAndKill(file: string, start: number, milliseconds: number): Promise<readonly Acknowledged[]> {
  const child = spawn(process.execPath, [writer, file, String(start)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: Acknowledged[] = [];
  const lines = createInterface({ input: child.stdout });
  const first = once(lines, 'line');
  lines.on('line', (line) => {
    // The last line may be cut off by the kill.
    const found = /^(\d+) (\d+)$/.exec(line);
    if (found !== null) acknowledged.push({ number: Number(found[1]), revision: Number(found[2]) });
  });
  const ended = once(child, 'exit');
  await Promise.race([first, ended]);
  await sleep(milliseconds);
  child.kill('SIGKILL');
  await ended;
  await sleep(0);
  return acknowledged;
}

function contentOf(resource: Resource | undefined): unknown {
  return (resource?.spec as { readonly content?: unknown } | undefined)?.content;
}

/** Kills writers of one file again and again, and looks at the file after each. Returns how many writes were acknowledged. */
async function killAgainAndAgain(file: string, times: number): Promise<number> {
  let start = 0;
  let writes = 0;
  for (let kill = 0; kill < times; kill += 1) {
    const acknowledged = await writeAndKill(file, start, Math.random() * 60);
    writes += acknowledged.length;
    const store = openEmbeddedStore(file);
    const { resources } = follow(store);
    const numberIn = (name: string): number => {
      const content = contentOf(resources.get(`MeshTimeout/default/${name}`));
      return (typeof content === 'object' && content !== null ? Reflect.get(content, 'number') : content) as number;
    };
    const last = acknowledged.reduce((newest, { revision }) => Math.max(newest, revision), 0);
    assert.ok(store.revision() >= last, `kill ${kill}: revision ${store.revision()} is older than ${last}`);
    for (const { number } of acknowledged) {
      assert.ok(numberIn(`left-${number % 50}`) >= number, `kill ${kill}: the acknowledged write ${number} is lost`);
      assert.ok(numberIn('counter') >= number, `kill ${kill}: the counter lost ${number}`);
    }
    for (let slot = 0; slot < 50; slot += 1) {
      const [left, right] = ['left', 'right'].map((side) =>
        contentOf(resources.get(`MeshTimeout/default/${side}-${slot}`)),
      );
      assert.deepEqual(left, right, `kill ${kill}: write to slot ${slot} is torn`);
    }
    // The next writer starts beyond everything the last one can have tried.
    start = Math.max(start, numberIn('counter') || 0) + 1_000;
    await store.close();
  }
  return writes;
}

test(`after each of ${kills} kills at random moments, everything acknowledged is there and every write is whole`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-kill-'));
  const files = ['one', 'two'].map((name) => join(folder, name, 'store.db'));
  const writes = await Promise.all(files.map((file) => killAgainAndAgain(file, kills / files.length)));
  for (const count of writes)
    assert.ok(count > kills, `only ${count} writes were acknowledged: hardly anything was tested`);
  rmSync(folder, { recursive: true });
});
