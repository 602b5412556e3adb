// Sealing of secrets: what is sealed, what opens it, and what is said when nothing does.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSealingKeys } from '../../../src/store/sealing/load-keys.ts';
import { createSealer } from '../../../src/store/sealing/sealer.ts';
import { noSealingKeys, parseSealingKeys } from '../../../src/store/sealing/sealing-keys.ts';

const base64 = (fill: number) => Buffer.alloc(32, fill).toString('base64');
const keys = (...lines: readonly string[]) => parseSealingKeys(lines.join('\n'), 'keys.txt');
const secret = { type: 'Secret', mesh: 'default', name: 's', spec: { data: 'Y2FuYXJ5' } };
const folder = mkdtempSync(join(tmpdir(), 'ursa-keys-'));
after(() => rmSync(folder, { recursive: true }));

test('what is sealed opens with its key only, in its place only', () => {
  const sealer = createSealer(keys(base64(1)));
  const stored = sealer.seal(secret);
  assert.ok(!JSON.stringify(stored).includes('Y2FuYXJ5'));
  assert.deepEqual(sealer.open(secret, stored), secret.spec);
  assert.throws(
    () => sealer.open({ ...secret, name: 'other' }, stored),
    /"other" of mesh "default".*not what was sealed/,
  );
  assert.throws(() => sealer.open({ ...secret, mesh: 'other' }, stored), /not what was sealed/);
  assert.throws(
    () => createSealer(keys(base64(2))).open(secret, stored),
    /none of those in .*KUMA_STORE_ENCRYPTION_KEY_FILE/,
  );
  assert.throws(
    () => createSealer(noSealingKeys).open(secret, stored),
    /there is no key.*KUMA_STORE_ENCRYPTION_KEY_FILE/,
  );
});

test('a changed byte is found, and the same is never sealed to the same', () => {
  const sealer = createSealer(keys(base64(1)));
  const stored = sealer.seal(secret) as { readonly data: string };
  const bytes = Buffer.from(stored.data, 'base64');
  for (const position of [0, 12, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[position] = (changed[position] ?? 0) ^ 1;
    assert.throws(() => sealer.open(secret, { ...stored, data: changed.toString('base64') }), /not what was sealed/);
  }
  assert.throws(() => sealer.open(secret, { ...stored, data: '' }), /not what was sealed/);
  assert.notDeepEqual(sealer.seal(secret), stored);
});

test('whatever holds a key is sealed, everything else is stored as it is', () => {
  const sealer = createSealer(keys(base64(1)));
  const isSealed = (type: string, spec: unknown) =>
    JSON.stringify(sealer.seal({ ...secret, type, spec })).includes('$sealed');
  assert.equal(isSealed('GlobalSecret', { data: '' }), true);
  assert.equal(isSealed('Mesh', { mtls: { backends: [{ name: 'ca', conf: { key: { inline: 'a2V5' } } }] } }), true);
  assert.equal(isSealed('Mesh', { mtls: { backends: [{ name: 'ca', conf: { key: { secret: 'name' } } }] } }), false);
  assert.equal(isSealed('MeshTimeout', { to: [] }), false);
  assert.deepEqual(createSealer(noSealingKeys).seal(secret), secret.spec);
});

test('what another key sealed, and what was not sealed, is outdated', () => {
  const old = createSealer(keys(base64(1)));
  const rotated = createSealer(keys(base64(2), base64(1)));
  const stored = old.seal(secret);
  assert.deepEqual(rotated.open(secret, stored), secret.spec);
  assert.equal(rotated.isOutdated(secret, stored), true);
  assert.equal(rotated.isOutdated(secret, rotated.seal(secret)), false);
  assert.equal(rotated.isOutdated(secret, secret.spec), true);
  assert.equal(rotated.isOutdated({ type: 'Mesh', spec: {} }, {}), false);
  const back = createSealer(keys('plain', base64(1)));
  assert.deepEqual([back.isOutdated(secret, stored), back.seal(secret)], [true, secret.spec]);
  assert.equal(createSealer(noSealingKeys).isOutdated(secret, secret.spec), false);
});

test('keys are read in base64 and hex, with comments; a line that is none is named and not shown', () => {
  const hex = Buffer.alloc(32, 7).toString('hex');
  assert.equal(keys('# of 2026', base64(7), '', hex).all.size, 1, 'the same key in two forms');
  assert.throws(() => keys('# nothing'), /keys\.txt has no key.*head -c 32/);
  for (const bad of ['c2hvcnQ=', `${hex}00`, 'passphrase', base64(1).slice(1)]) {
    assert.throws(
      () => keys(base64(1), bad),
      (error: Error) => /keys\.txt: line 2 is no key/.test(error.message) && !error.message.includes(bad),
    );
  }
});

test('keys come from a file or from a program, and what is wrong names the setting', async () => {
  const warnings: string[] = [];
  const log = { warn: (text: string) => void warnings.push(text) };
  const file = join(folder, 'key');
  writeFileSync(file, `${base64(3)}\n`, { mode: 0o600 });
  const encryption = { keyFile: '', keyCommand: [] as readonly string[] };
  assert.equal((await loadSealingKeys({ ...encryption, keyFile: file }, log)).all.size, 1);
  assert.deepEqual(warnings, []);
  chmodSync(file, 0o644);
  await loadSealingKeys({ ...encryption, keyFile: file }, log);
  assert.equal(warnings.length, 1);
  assert.equal((await loadSealingKeys({ ...encryption, keyCommand: ['cat', file] }, log)).all.size, 1);
  assert.equal(await loadSealingKeys(encryption, log), noSealingKeys);
  const failures: readonly (readonly [Parameters<typeof loadSealingKeys>[0], RegExp])[] = [
    [{ keyFile: file, keyCommand: ['cat'] }, /both set/],
    [{ ...encryption, keyFile: '/nowhere/key' }, /KEY_FILE.*cannot read \/nowhere\/key.*head -c 32/],
    [{ ...encryption, keyCommand: ['/nowhere/kms'] }, /KEY_COMMAND.*ENOENT/],
    [
      { ...encryption, keyCommand: ['sh', '-c', 'echo half-a-key; echo no access >&2; exit 3'] },
      /ended with 3 \(no access\)$/,
    ],
    [{ ...encryption, keyCommand: ['echo', 'no key'] }, /what echo prints: line 1 is no key/],
  ];
  for (const [settings, expected] of failures) {
    await assert.rejects(loadSealingKeys(settings, log), (error: Error) => {
      assert.match(error.message, expected);
      assert.ok(!error.message.includes('half-a-key'), error.message);
      return true;
    });
  }
});
