// Bad input: a clear 4xx, nothing lost, others unaffected, no secret and no stack in the answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiFixture, Asked } from './api-fixture.ts';
import { openDefault, timeoutDocument } from './documents.ts';

const path = '/meshes/default/meshtimeouts/a';

/** The request was refused as bad, and left the control plane as it was. */
async function assertRefused(fixture: ApiFixture, answer: Asked, status: number, pattern: RegExp): Promise<void> {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.body.type, '/std-errors');
  assert.match(answer.text, pattern);
  assert.doesNotMatch(answer.text, /\.ts:|node:internal|at .*\(/);
  assert.deepEqual(fixture.bugs, []);
  assert.equal((await fixture.ask('GET', '/meshes/default')).status, 200);
}

test('a body of 10 MiB is refused with 413, one just under 1 MiB is read', async () => {
  const fixture = await openDefault();
  const huge = `{"type":"MeshTimeout","x":"${'a'.repeat(10 * 1024 * 1024)}"}`;
  await assertRefused(fixture, await fixture.ask('PUT', path, huge), 413, /at most 1048576 bytes/);
  const full = JSON.stringify(timeoutDocument()).padEnd(1024 * 1024, ' ');
  assert.equal((await fixture.ask('PUT', path, full)).status, 201);
});

test('a document nested 20,000 deep is refused, as JSON and as YAML', async () => {
  const fixture = await openDefault();
  const deep = `{"type":"MeshTimeout","mesh":"default","name":"a","spec":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  await assertRefused(fixture, await fixture.ask('PUT', path, deep), 400, /nested more than 64 levels/);
  const objects = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  await assertRefused(fixture, await fixture.ask('PUT', path, objects), 400, /nested more than 64 levels/);
  const yaml = `spec: ${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  await assertRefused(
    fixture,
    await fixture.ask('PUT', path, yaml, { 'content-type': 'application/yaml' }),
    400,
    /nested more than 64 levels/,
  );
});

test('keys that reach into the runtime are refused wherever they are', async () => {
  const fixture = await openDefault();
  for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__']) {
    const labels = `{"type":"MeshTimeout","mesh":"default","name":"a","labels":{"${key}":"x"},"spec":{}}`;
    await assertRefused(fixture, await fixture.ask('PUT', path, labels), 400, /is never accepted/);
    const spec = `{"type":"MeshTimeout","mesh":"default","name":"a","spec":{"to":[{"${key}":{"polluted":true}}]}}`;
    await assertRefused(fixture, await fixture.ask('PUT', path, spec), 400, /is never accepted/);
  }
  const yaml = 'type: MeshTimeout\nmesh: default\nname: a\n__proto__: {polluted: true}\n';
  await assertRefused(
    fixture,
    await fixture.ask('PUT', path, yaml, { 'content-type': 'application/yaml' }),
    400,
    /is never accepted/,
  );
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('constructor and __proto__ as names are names like others', async () => {
  const fixture = await openDefault();
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal((await fixture.ask('GET', `/meshes/${name}`)).status, 404, name);
    assert.equal((await fixture.ask('GET', `/meshes/default/meshtimeouts/${name}`)).status, 404, name);
    assert.equal((await fixture.ask('GET', `/meshes/${name}/dataplanes`)).status, 404, name);
    assert.equal((await fixture.ask('GET', `/${name}`)).status, 404, name);
    assert.equal((await fixture.ask('GET', `/meshes/default/${name}/x/_hostnames`)).status, 400, name);
  }
  assert.equal(
    (await fixture.ask('PUT', '/meshes/default/meshtimeouts/constructor', timeoutDocument('constructor'))).status,
    201,
  );
  assert.equal((await fixture.ask('GET', '/meshes/default/meshtimeouts/constructor')).body.name, 'constructor');
});

test('a key that occurs twice is refused instead of the last one taken', async () => {
  const fixture = await openDefault();
  const json = '{"type":"MeshTimeout","mesh":"default","name":"a","name":"b","spec":{}}';
  await assertRefused(fixture, await fixture.ask('PUT', path, json), 400, /1:51: the key \\"name\\" is given twice/);
  const escaped = '{"type":"MeshTimeout","mesh":"default","name":"a","n\\u0061me":"b","spec":{}}';
  await assertRefused(fixture, await fixture.ask('PUT', path, escaped), 400, /is given twice/);
  const yaml = 'type: MeshTimeout\nmesh: default\nname: a\nname: b\n';
  await assertRefused(
    fixture,
    await fixture.ask('PUT', path, yaml, { 'content-type': 'application/yaml' }),
    400,
    /4:1: this key is given twice/,
  );
});

test('YAML aliases and merge keys are refused', async () => {
  const fixture = await openDefault();
  const yamls = [
    'a: &x [1]\nb: *x\n',
    'a: &x {b: 1}\nc:\n  <<: *x\n',
    'a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n',
  ];
  for (const yaml of yamls) {
    const answer = await fixture.ask('PUT', path, yaml, { 'content-type': 'application/yaml' });
    await assertRefused(fixture, answer, 400, /aliases|merge keys/);
  }
});

test('a YAML body is one document of at most 256 Ki characters', async () => {
  const fixture = await openDefault();
  const yaml = { 'content-type': 'application/yaml' };
  const two = await fixture.ask('PUT', path, 'type: MeshTimeout\n---\ntype: MeshTimeout\n', yaml);
  await assertRefused(fixture, two, 400, /several documents/);
  const long = await fixture.ask('PUT', path, `type: MeshTimeout${' '.repeat(256 * 1024)}`, yaml);
  await assertRefused(fixture, long, 413, /at most 262144 are read/);
});

test('names with dots and slashes, NUL, other bytes and 10 kB are refused or not found', async () => {
  const refusals = [400, 404, 414];
  const fixture = await openDefault();
  for (const name of ['..%2f..%2fetc', 'a%00b', '%ff', '%F0%9F%92%A9', 'A', 'a%2fb', 'a'.repeat(10_240)]) {
    const document = { ...timeoutDocument(), name: safeDecode(name) };
    const put = await fixture.ask('PUT', `/meshes/default/meshtimeouts/${name}`, document);
    assert.ok(refusals.includes(put.status), `${name.slice(0, 20)}: ${put.status}`);
    const got = await fixture.ask('GET', `/meshes/default/meshtimeouts/${name}`);
    assert.ok(refusals.includes(got.status), `${name.slice(0, 20)}: ${got.status}`);
    const kri = await fixture.ask('GET', `/_kri/${name}`);
    assert.ok(refusals.includes(kri.status), `${name.slice(0, 20)}: ${kri.status}`);
  }
  assert.deepEqual(fixture.bugs, []);
  assert.equal((await fixture.ask('GET', '/meshes/default/meshtimeouts')).body.total, 0);
});

function safeDecode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

test('bodies that are no document are refused with the place of the mistake', async () => {
  const fixture = await openDefault();
  await assertRefused(fixture, await fixture.ask('PUT', path, '{"type":\n "MeshTimeout",,}'), 400, /the body:2:16: /);
  for (const body of ['', ' ', 'null', '[]', '1', '"x"', '{"a"', 'NaN', '{"a":1e999}', '\ufeff']) {
    const answer = await fixture.ask('PUT', path, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
  }
  assert.deepEqual(fixture.bugs, []);
});

test('a form, plain text or no content type is refused with 415: no web page can post a document unasked', async () => {
  const fixture = await openDefault();
  const text = JSON.stringify(timeoutDocument());
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    'json',
  ]) {
    await assertRefused(
      fixture,
      await fixture.ask('PUT', path, text, { 'content-type': type }),
      415,
      /application\/json/,
    );
  }
  assert.equal(
    (await fixture.ask('PUT', path, text, { 'content-type': 'application/json; charset=utf-8' })).status,
    201,
  );
});

test('what the control plane decides cannot be assigned by a writer', async () => {
  const fixture = await openDefault();
  const document = {
    ...timeoutDocument(),
    creationTime: '1999-01-01T00:00:00Z',
    modificationTime: '1999-01-01T00:00:00Z',
    kri: 'kri_mt_other___x_',
    labels: { 'kuma.io/zone': 'elsewhere' },
  };
  await assertRefused(fixture, await fixture.ask('PUT', path, document), 400, /kuma.io\/zone/);
  assert.equal((await fixture.ask('PUT', path, { ...document, labels: {} })).status, 201);
  const { body } = await fixture.ask('GET', path);
  assert.notEqual(body.creationTime, '1999-01-01T00:00:00Z');
  assert.equal(body.kri, 'kri_mt_default_default__a_');
});

test('an error of ours is answered without its text', async () => {
  const fixture = await openDefault();
  fixture.manager.put = () => Promise.reject(new Error('password=hunter2'));
  const { status, text } = await fixture.ask('PUT', path, timeoutDocument());
  assert.equal(status, 500);
  assert.doesNotMatch(text, /hunter2/);
  assert.equal(fixture.bugs.length, 1);
});
