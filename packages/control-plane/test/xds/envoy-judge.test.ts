// The judge around Envoy, with small programs in its place: bounds, memory, and what is passed on of its words.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createEnvoyJudge, reasonIn } from '../../src/xds/validation/envoy-judge.ts';
import { findEnvoy } from '../../src/xds/validation/find-envoy.ts';

function program(context: TestContext, script: string): { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-judge-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'envoy');
  writeFileSync(path, `#!/bin/sh\ncd ${folder}\n${script}\n`);
  chmodSync(path, 0o755);
  return { path, folder };
}

const bounds = { timeoutMilliseconds: 60_000, concurrency: 1, queueLimit: 1 };
const refusing = `echo run >> runs; echo "error initializing configuration '/x': because" >&2; exit 1`;
const never = (reason: string) => assert.fail(reason);

test('the same configuration is judged once', async (context) => {
  const { path, folder } = program(context, refusing);
  const judge = createEnvoyJudge({ path, ...bounds, onSilence: never });
  assert.equal(await judge({ a: 1 }), 'because');
  assert.equal(await judge({ a: 1 }), 'because');
  assert.equal(await judge({ a: 2 }), 'because');
  assert.equal(readFileSync(join(folder, 'runs'), 'utf8'), 'run\nrun\n');
});

test('who would wait behind too many is told to come again', async (context) => {
  const { path, folder } = program(context, 'while [ ! -e go ]; do sleep 0.02; done');
  const judge = createEnvoyJudge({ path, ...bounds, onSilence: never });
  const first = judge({ a: 1 });
  const second = judge({ a: 2 });
  await assert.rejects(judge({ a: 3 }), { code: 'unavailable' });
  writeFileSync(join(folder, 'go'), '');
  assert.deepEqual(await Promise.all([first, second, judge({ a: 1 })]), [undefined, undefined, undefined]);
});

test('an Envoy that does not answer is ended, and the configuration is taken', async (context) => {
  const { path } = program(context, 'exec sleep 1000');
  const silences: string[] = [];
  const onSilence = (reason: string) => silences.push(reason);
  const judge = createEnvoyJudge({ ...bounds, path, timeoutMilliseconds: 50, onSilence });
  assert.equal(await judge({}), undefined);
  assert.deepEqual(silences, ['SIGKILL']);
  const gone = createEnvoyJudge({ ...bounds, path: '/no/such/envoy', onSilence });
  assert.equal(await gone({}), undefined);
  assert.ok(silences.length > 1);
});

test('nothing of the configuration is repeated, and nothing is said of files of this host', () => {
  const words = (text: string) =>
    reasonIn(`[critical] error initializing configuration '/x/bootstrap.json': ${text}\n`);
  assert.equal(words('Error: terminal filter named a must be last'), 'Error: terminal filter named a must be last');
  assert.equal(words('Unable to parse JSON as proto (no such field): {"privateKey":"canary"}'), 'no such field');
  const dump =
    'goo.gle/debugstr\nstatic_resources {\n  key: "canary"\n}\n: Proto constraint validation failed (value is bad)';
  assert.equal(words(dump), 'value is bad');
  assert.equal(words('unable to read file: /etc/on-the-proxy'), undefined);
  assert.equal(reasonIn('something else'), undefined);
});

test('an Envoy is found by its path, in PATH, or where builds keep theirs', (context) => {
  const { path, folder } = program(context, '');
  assert.equal(findEnvoy(path, {}), path);
  assert.equal(findEnvoy(`${folder}/none`, { PATH: folder }), undefined);
  assert.equal(findEnvoy('envoy', { PATH: `/nowhere:${folder}` }), path);
  assert.equal(findEnvoy('envoy', { XDG_CACHE_HOME: folder }), undefined);
  assert.equal(existsSync(path), true);
});
