// The administrator's token in a file: equal to what is stored, for its owner only.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createGraph } from '@ursa/collections';
import { adminTokenFile } from '../../src/identity/admin-token-file.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-admin-token-'));
after(() => rmSync(folder, { recursive: true }));

function open(file: string) {
  const store = openMemoryStore();
  const live = openLiveResources(createGraph(), store);
  const failures: unknown[] = [];
  const component = adminTokenFile({ live, file, onFailure: (error) => failures.push(error) });
  const key = { type: 'GlobalSecret', mesh: '', name: 'admin-user-token' };
  const put = (token: string) =>
    store.write([
      { kind: 'put', resource: { ...key, labels: {}, spec: { data: Buffer.from(token).toString('base64') } } },
    ]);
  return { store, component, put, failures, remove: () => store.write([{ kind: 'delete', key }]) };
}

test('the file follows the token, whoever made it, and nobody else can read it', async () => {
  const file = join(folder, 'new', 'admin.token');
  const { component, put, remove, failures } = open(file);
  await component.start();
  assert.equal(existsSync(file), false);
  await put('one');
  assert.equal(readFileSync(file, 'utf8'), 'one\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'new')).mode & 0o777, 0o700);
  await put('two');
  assert.equal(readFileSync(file, 'utf8'), 'two\n');
  await remove();
  assert.deepEqual(readdirSync(join(folder, 'new')), []);
  await component.stop();
  await put('three');
  assert.equal(existsSync(file), false);
  assert.deepEqual(failures, []);
});

test('a file that was readable by all is not any more', async () => {
  const file = join(folder, 'open.token');
  writeFileSync(file, 'old', { mode: 0o644 });
  const { component, put } = open(file);
  await put('one');
  await component.start();
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777], ['one\n', 0o600]);
  await component.stop();
});

test('a file that cannot be written is refused at the start, and told later', async () => {
  const { component, put } = open('/proc/nowhere/admin.token');
  await put('one');
  await assert.rejects(component.start(), /KUMA_API_SERVER_AUTHN_TOKENS_ADMIN_TOKEN_FILE.*\/proc\/nowhere/);
  await component.stop();
  const place = mkdtempSync(join(folder, 'gone-'));
  const later = open(join(place, 'admin.token'));
  await later.component.start();
  rmSync(place, { recursive: true });
  await later.put('one');
  assert.equal(later.failures.length, 1);
  await later.component.stop();
});
