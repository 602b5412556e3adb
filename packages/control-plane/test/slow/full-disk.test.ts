// A full disk under the embedded store: writes are refused with what to do, reads go on, nothing is lost, and it recovers by itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { follow, put } from '../store-contract.ts';

const small = 'size=2m';
const folder = mkdtempSync(join(tmpdir(), 'ursa-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', small, 'tmpfs', folder]);
const skip = mounted.status === 0 ? false : `a small file system cannot be mounted here: ${mounted.stderr}`;
if (skip !== false) rmdirSync(folder);

test('a full disk refuses writes, loses nothing, and is over when there is space again', { skip }, async () => {
  try {
    const file = join(folder, 'store.db');
    const store = openEmbeddedStore(file);
    const { resources, changes } = follow(store);
    const content = 'x'.repeat(20_000);
    let stored = 0;
    let refused: unknown;
    while (refused === undefined && stored < 1_000) {
      await store.write([put(`r-${stored}`, content)]).then(
        () => {
          stored += 1;
        },
        (error) => {
          refused = error;
        },
      );
    }
    assert.ok(refused instanceof MeshError && refused.code === 'unavailable', String(refused));
    assert.match(refused.message, /the disk is full; free some space/);
    assert.ok(stored > 10, `only ${stored} writes fitted`);

    const health = store.health();
    assert.ok(!health.ok && /disk is full/.test(health.reason) && !Number.isNaN(Date.parse(health.since)));
    assert.equal(resources.size, stored, 'what was refused must not be seen');
    assert.equal(store.revision(), stored);
    assert.equal(changes.length, stored);
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await assert.rejects(store.write([put('more', content)]), (error: unknown) => error instanceof MeshError);
    }
    await sleep(600);
    assert.equal(store.health().ok, false, 'asked later, the disk is still full');

    assert.equal(spawnSync('mount', ['-o', 'remount,size=8m', folder]).status, 0);
    await sleep(600);
    assert.deepEqual(store.health(), { ok: true }, 'without any write the store notices that there is space');
    const after = await store.write([put('more', content)]);
    assert.equal(after.revision, stored + 1);
    await store.close();

    const reopened = openEmbeddedStore(file);
    assert.deepEqual(follow(reopened).resources, resources);
    assert.equal(reopened.revision(), stored + 1);
    await reopened.close();
  } finally {
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  }
});

test('a store that cannot be created on a full disk says so and leaves nothing behind that stops the next start', {
  skip,
}, async () => {
  const other = mkdtempSync(join(tmpdir(), 'ursa-full-'));
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', other]).status, 0);
  try {
    const ballast = join(other, 'ballast');
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096', 'count=16']);
    writeFileSync(join(other, 'empty'), '');
    const file = join(other, 'store.db');
    assert.throws(
      () => openEmbeddedStore(file),
      (error: unknown) => error instanceof MeshError && error.code === 'unavailable' && error.message.includes(file),
    );
    rmSync(ballast);
    const store = openEmbeddedStore(file);
    await store.write([put('a', 1)]);
    await store.close();
  } finally {
    spawnSync('umount', ['-l', other]);
    rmdirSync(other);
  }
});
