// Logs: lines, levels that change while running, files that rotate.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { openLog } from '../../src/log.ts';
import { openLogFile } from '../../src/log-file.ts';
import { textOutput } from '../../src/log-text.ts';

function collect() {
  const lines: Record<string, unknown>[] = [];
  return { lines, output: { write: (line: string) => void lines.push(JSON.parse(line)) } };
}

test('a line says when, how bad, from where and what', () => {
  const { lines, output } = collect();
  openLog('info', output).component('xds').warn('slow client', { proxy: 'web-1' });
  assert.equal(lines.length, 1);
  const { time, ...rest } = lines[0] ?? {};
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(rest, { level: 'warn', component: 'xds', proxy: 'web-1', msg: 'slow client' });
});

test('a line for people says the same', () => {
  const lines: string[] = [];
  const log = openLog('info', textOutput({ write: (line) => void lines.push(line) }));
  log.component('xds').warn('slow client', { proxy: 'web-1', token: 'hunter2', seconds: 3 });
  assert.match(lines[0] ?? '', /^\S+Z WARN {2}xds: slow client proxy="web-1" token="\*{5}" seconds=3\n$/);
});

test('the newest lines are kept for whoever asks later, so many and each so long', () => {
  const log = openLog('info', { write: () => {} });
  const component = log.component('a');
  for (let number = 0; number < 1500; number += 1) component.info(`line ${number}`);
  component.info('x'.repeat(100_000));
  const tail = log.tail();
  assert.equal(tail.length, 1000);
  assert.match(tail[0] ?? '', /line 501"/);
  assert.ok((tail.at(-1)?.length ?? 0) < 3000);
});

test('an error is written with its stack and its cause', () => {
  const { lines, output } = collect();
  const error = new MeshError('internal', 'outer', { cause: new Error('inner') });
  openLog('info', output).component('a').error('failed', { error });
  const written = lines[0]?.error as { message: string; stack: string; cause: { message: string } };
  assert.equal(written.message, 'outer');
  assert.match(written.stack, /log\.test/);
  assert.equal(written.cause.message, 'inner');
});

test('values under names of secrets are never written', () => {
  const { lines, output } = collect();
  const log = openLog('info', output).component('a');
  log.info('x', { token: 'hunter2', request: { authorization: 'hunter2', path: '/' }, password: 'hunter2' });
  assert.ok(!JSON.stringify(lines).includes('hunter2'));
  assert.ok(JSON.stringify(lines).includes('/'));
});

test('below the level nothing is written, and off writes nothing at all', () => {
  const { lines, output } = collect();
  openLog('info', output).component('a').debug('x');
  openLog('off', output).component('a').error('x');
  assert.deepEqual(lines, []);
});

test("a component's level changes while running, for what is below it too, and can be taken back", () => {
  const { lines, output } = collect();
  const log = openLog('info', output);
  const stream = log.component('xds.stream');
  log.setLevel('xds', 'debug');
  stream.debug('one');
  log.component('xds.push').debug('two');
  log.component('api').debug('no');
  log.setLevel('xds.stream', 'error');
  stream.warn('no');
  assert.deepEqual(log.overrides(), { xds: 'debug', 'xds.stream': 'error' });
  assert.deepEqual(log.resetLevels('xds.stream'), { 'xds.stream': 'error' });
  stream.debug('three');
  assert.deepEqual(log.resetLevels(), { xds: 'debug' });
  stream.debug('no');
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['one', 'two', 'three'],
  );
  assert.deepEqual(log.lines(), [
    { component: 'xds.stream', level: 'debug', count: 2 },
    { component: 'xds.push', level: 'debug', count: 1 },
  ]);
});

test('a full log file is renamed with the time, and only so many old ones are kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-log-'));
  let now = Date.parse('2026-11-23T10:00:00.000Z');
  const file = join(folder, 'sub', 'kuma.log');
  const output = openLogFile(file, { maxBytes: 10, maxAgeDays: 0, maxRetainedFiles: 2 }, () => new Date(now));
  for (const line of ['first--\n', 'second-\n', 'third--\n', 'fourth-\n']) {
    output.write(line);
    now += 1000;
  }
  const names = readdirSync(join(folder, 'sub')).toSorted();
  assert.deepEqual(names, ['kuma-2026-11-23T10-00-02.000.log', 'kuma-2026-11-23T10-00-03.000.log', 'kuma.log']);
  assert.equal(readFileSync(file, 'utf8'), 'fourth-\n');
  rmSync(folder, { recursive: true });
});

test('old log files go when they are too old, other files stay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-log-'));
  let now = Date.parse('2026-11-01T00:00:00.000Z');
  const file = join(folder, 'kuma.log');
  openLogFile(join(folder, 'kuma-notes.log'), { maxBytes: 10, maxAgeDays: 0, maxRetainedFiles: 0 }).write('mine\n');
  const output = openLogFile(file, { maxBytes: 5, maxAgeDays: 7, maxRetainedFiles: 0 }, () => new Date(now));
  for (const line of ['one-\n', 'two-\n']) output.write(line);
  now += 8 * 24 * 3600 * 1000;
  output.write('new-\n');
  assert.deepEqual(readdirSync(folder).toSorted(), ['kuma-2026-11-09T00-00-00.000.log', 'kuma-notes.log', 'kuma.log']);
  rmSync(folder, { recursive: true });
});

test('a log file that cannot be opened is an error that names the flag', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-log-'));
  assert.throws(
    () => openLogFile(folder, { maxBytes: 1, maxAgeDays: 0, maxRetainedFiles: 0 }),
    (error: unknown) => error instanceof MeshError && error.message.startsWith('--log-output-path: '),
  );
  rmSync(folder, { recursive: true });
});
