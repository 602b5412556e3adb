// What kumactl writes into files that a flag names.
import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writeWholeFile } from '../src/named-files.ts';

function openFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kumactl-files-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a file is replaced with its mode, and where a link leads, the link stays', (context) => {
  const folder = openFolder(context);
  const [file, link] = [join(folder, 'key.pem'), join(folder, 'link')];
  writeFileSync(file, 'before', { mode: 0o644 });
  symlinkSync('key.pem', link);
  for (const [named, content] of [
    [file, 'first'],
    [link, 'second'],
  ] as const) {
    writeWholeFile('--key-file', named, content, 0o600);
    assert.equal(readFileSync(file, 'utf8'), content);
    assert.equal(lstatSync(file).mode & 0o777, 0o600);
  }
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.deepEqual(readdirSync(folder).sort(), ['key.pem', 'link']);
});

test('a device is written to and not replaced', (context) => {
  // By a link: what this guards against would take the machine its /dev/null.
  const link = join(openFolder(context), 'link');
  symlinkSync('/dev/null', link);
  writeWholeFile('--key-file', link, 'key', 0o600);
  assert.ok(lstatSync(link).isSymbolicLink());
});

test('what cannot be written is said with flag and reason, and leaves nothing behind', (context) => {
  const folder = openFolder(context);
  mkdirSync(join(folder, 'there'));
  assert.throws(
    () => writeWholeFile('--key-file', join(folder, 'there'), 'key', 0o600),
    /--key-file: cannot write .*there: it is a folder/,
  );
  assert.throws(
    () => writeWholeFile('--key-file', join(folder, 'none', 'key.pem'), 'key', 0o600),
    /--key-file: cannot write .*key\.pem: it does not exist/,
  );
  assert.deepEqual(readdirSync(folder), ['there']);
});
