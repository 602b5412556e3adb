// A file that several processes write lines to: whoever finds it full renames it, the others go on in the new one.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRotatingFile } from '../src/rotating-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-rotating-'));
after(() => rmSync(folder, { recursive: true }));

test('two writers of one file lose no line, and rename it once each time it is full', () => {
  const file = join(folder, 'shared.log');
  let time = 0;
  const now = () => {
    time += 1_000;
    return new Date(Date.UTC(2026, 0, 1) + time);
  };
  const rotation = { maxBytes: 100, maxAgeDays: 0, maxRetainedFiles: 0 };
  const writers = [openRotatingFile(file, rotation, { now }), openRotatingFile(file, rotation, { now })];
  for (let line = 0; line < 40; line++) writers[line % 2]?.append(`line ${String(line).padStart(3, '0')}\n`);
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
  assert.equal(new Set(lines).size, 40);
  assert.equal(lines.length, 40);
  for (const text of texts) assert.ok(text.length <= 200, 'each writer counts what it wrote itself');
});

test('after a failure the file is opened anew', () => {
  const place = mkdtempSync(join(folder, 'gone-'));
  const file = join(place, 'a.log');
  const opened = openRotatingFile(file, { maxBytes: 10, maxAgeDays: 0, maxRetainedFiles: 0 });
  opened.append('0123456\n');
  rmSync(place, { recursive: true });
  // Full, but there is nothing to rename any more: the folder is made again.
  opened.append('789\n');
  assert.equal(readFileSync(file, 'utf8'), '789\n');
});
