// A full disk under the embedded store: writes are refused with what to do, reads go on, nothing is lost, and it recovers by itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import { openControlPlane } from '../../src/compose.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { openLog } from '../../src/log.ts';
import { runComponents } from '../../src/run-components.ts';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { follow, put } from '../store-contract.ts';

interface Ready {
  readonly ready: boolean;
  readonly degraded?: { readonly store: { readonly stale: boolean; readonly reason: string } };
}

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

test('a control plane on a full disk answers reads as before, refuses writes with what to do, and says so', {
  skip,
}, async () => {
  const workDir = mkdtempSync(join(tmpdir(), 'ursa-full-'));
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', small, 'tmpfs', workDir]).status, 0);
  const log = openLog('off', { write: () => {} });
  const settings = defaultSettings({
    'general.workDir': workDir,
    'apiServer.http.port': 0,
    'apiServer.https.enabled': false,
    'dpServer.port': 0,
    'diagnostics.serverPort': 0,
  });
  const controlPlane = await openControlPlane(settings, log);
  const running = await runComponents(controlPlane.components, log.component('test'));
  try {
    const ready = async () =>
      (await (await fetch(`http://127.0.0.1:${controlPlane.diagnostics.port}/ready`)).json()) as Ready;
    while (!(await ready()).ready) await sleep(20);
    const api = `http://127.0.0.1:${controlPlane.api.ports.http}`;
    const put = (index: number) =>
      fetch(`${api}/meshes/default/secrets/s-${index}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'Secret', mesh: 'default', name: `s-${index}`, data: btoa('x'.repeat(50_000)) }),
      });
    let stored = 0;
    let answer = await put(0);
    while (answer.status === 201 && stored < 100) answer = await put(++stored);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.match(((await answer.json()) as { detail: string }).detail, /the disk is full; free some space/);
    const read = await fetch(`${api}/meshes/default/secrets/s-0`);
    assert.equal(read.status, 200);
    assert.match(
      read.headers.get('warning') ?? '',
      /^199 kuma-cp "the store is degraded since .*is current, writes are refused"$/,
    );
    assert.equal(read.headers.get('age'), null, 'nobody else writes to this store: nothing is old');
    const store = (await ready()).degraded?.store;
    assert.equal(store?.stale, false);
    assert.match(store.reason, /the disk is full/);

    assert.equal(spawnSync('mount', ['-o', 'remount,size=16m', workDir]).status, 0);
    await sleep(600);
    assert.deepEqual(await ready(), { ready: true });
    assert.equal((await put(stored)).status, 201);
  } finally {
    await running.stop(5_000);
    spawnSync('umount', ['-l', workDir]);
    rmdirSync(workDir);
  }
});
