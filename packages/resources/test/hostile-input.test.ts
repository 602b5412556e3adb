import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, parseResource, parseYamlDocuments } from '../src/index.ts';
import { types } from './registry.ts';

const dataplane = (fields: Record<string, unknown>): Record<string, unknown> => ({
  type: 'Dataplane',
  mesh: 'default',
  name: 'a',
  networking: { address: '10.0.0.1', inbound: [{ port: 80, tags: { 'kuma.io/service': 'web' } }] },
  ...fields,
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

test('keys that reach into objects are refused wherever they stand', () => {
  const hostile = (key: string): unknown[] => [
    dataplane(JSON.parse(`{"${key}": {"polluted": true}}`)),
    dataplane({ labels: JSON.parse(`{"${key}": "x"}`) }),
    dataplane({ metrics: { type: 'prometheus', conf: JSON.parse(`{"a": {"${key}": {"polluted": true}}}`) } }),
    dataplane({ networking: { address: '10.0.0.1', inbound: [{ port: 80, tags: JSON.parse(`{"${key}": "x"}`) }] } }),
  ];
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    for (const document of hostile(key)) {
      assert.throws(
        () => parseResource(types, document),
        { code: 'invalid', message: /never accepted/ },
        JSON.stringify(document),
      );
    }
  }
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

test('nesting is refused beyond 64 levels, in free-form parts too, without overflowing the stack', () => {
  const deep = (depth: number): unknown => dataplane({ metrics: { type: 'prometheus', conf: nested(depth) } });
  assert.throws(() => parseResource(types, deep(20_000)), { code: 'invalid', message: /more than 64 levels deep/ });
  assert.throws(() => parseResource(types, dataplane({ networking: nested(20_000) })), { code: 'invalid' });
});

test('nesting of 20,000 levels in a text is refused', () => {
  for (const text of ['['.repeat(20_000), '{"a":'.repeat(20_000), `${'['.repeat(20_000)}${']'.repeat(20_000)}`]) {
    assert.throws(() => parseJson(text), { code: 'invalid', message: /more than 64 levels deep/ });
    assert.throws(() => parseYamlDocuments(text, { source: 'a.yaml' }), {
      code: 'invalid',
      message: /more than 64 levels deep/,
    });
  }
});

test('names that are paths, hold NUL or are too long are refused', () => {
  for (const name of [
    '../etc/passwd',
    'a/b',
    'a\0b',
    'A',
    '',
    '.',
    '-a',
    'a'.repeat(254),
    'a'.repeat(10_000),
    '__proto__',
  ]) {
    assert.throws(() => parseResource(types, dataplane({ name })), { code: 'invalid' }, name.slice(0, 20));
    assert.throws(
      () =>
        parseResource(types, dataplane({ mesh: name === '-a' || name === '.' || name === '__proto__' ? 'A' : name })),
      {
        code: 'invalid',
      },
    );
  }
});

test('names are matched in time linear to their length', () => {
  assert.throws(() => parseResource(types, dataplane({ name: `${'a-'.repeat(50_000)}!` })), { code: 'invalid' });
  assert.throws(
    () => parseResource(types, dataplane({ networking: { address: `${'a.'.repeat(50_000)}!`, inbound: [] } })),
    { code: 'invalid' },
  );
});

test('a document of a thousand mistakes is refused with a hundred', () => {
  const inbound = Array.from({ length: 1000 }, () => ({ prot: 80 }));
  assert.throws(
    () => parseResource(types, dataplane({ networking: { address: '10.0.0.1', inbound } })),
    (error: { violations: unknown[] }) => error.violations.length === 100,
  );
});

test('what is not an object is refused', () => {
  for (const document of [null, undefined, 1, 'Dataplane', [], [dataplane({})], true]) {
    assert.throws(() => parseResource(types, document), { code: 'invalid' });
    assert.throws(() => parseResource(types, document, { type: 'Dataplane' }), { code: 'invalid' });
  }
});

test('types are found by their own names only, not by those of every object', () => {
  for (const type of ['constructor', '__proto__', 'toString', 'dataplane']) {
    assert.throws(() => parseResource(types, { type, name: 'a' }), {
      code: 'invalid',
      message: /unknown resource type/,
    });
  }
});
