import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes, createResourceTypes, MeshError, parseResource } from '@ursa/resources';
import { policyResourceTypes } from '../src/index.ts';
import { applyJsonPatches, type JsonPatch } from '../src/mesh-proxy-patch/json-patch.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);

/** Violations of a MeshProxyPatch with these modifications, as `field: message`. */
function refusals(...appendModifications: unknown[]): readonly string[] {
  const document = { type: 'MeshProxyPatch', mesh: 'default', name: 'p', spec: { default: { appendModifications } } };
  try {
    parseResource(types, document);
    return [];
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return (error.violations ?? []).map(({ field, message }) => `${field.replace(/^spec\.default\./, '')}: ${message}`);
  }
}

const add = (value: string) => ({ cluster: { operation: 'Add', value } });

test('a value must be what Envoy knows', () => {
  assert.deepEqual(refusals(add('name: a\nconnectTimeout: 1s')), []);
  assert.deepEqual(refusals(add('name: a\nconnect_timeout: 1s')), []);
  assert.match(
    refusals(add('name: a\nconnectTimeOut: 1s')).join(),
    /\[0\]\.cluster\.value: .*"connectTimeOut" is unknown/,
  );
  assert.match(refusals(add('name: [')).join(), /\[0\]\.cluster\.value: .*value:1:/);
  assert.match(refusals(add('a: 1\n---\nb: 2')).join(), /several YAML documents/);
  const filter = (type: string) => ({
    httpFilter: {
      operation: 'AddFirst',
      value: `name: x\ntypedConfig: { "@type": type.googleapis.com/${type}, inlineCode: a }`,
    },
  });
  assert.deepEqual(refusals(filter('envoy.extensions.filters.http.lua.v3.Lua')), []);
  assert.match(refusals(filter('envoy.extensions.filters.http.moon.v3.Moon')).join(), /Moon.*not in the type registry/);
  assert.match(refusals(filter('envoy.extensions.filters.http.buffer.v3.Buffer')).join(), /"inlineCode" is unknown/);
});

test('a patch needs one of value and jsonPatches, pointers that are pointers, and a source to move from', () => {
  const patch = (...jsonPatches: unknown[]) => ({ cluster: { operation: 'Patch', jsonPatches } });
  assert.deepEqual(refusals(patch({ op: 'add', path: '/a', value: 1 })), []);
  const at = 'appendModifications[0].cluster.jsonPatches[0]';
  assert.deepEqual(refusals(patch({ op: 'add', path: 'a', value: 1 })), [
    `${at}.path: 'a' is not a JSON Pointer: it must start with '/'`,
  ]);
  assert.deepEqual(refusals(patch({ op: 'move', path: '/a' })), [`${at}.from: must be defined`]);
  assert.equal(refusals(patch()).length, 1);
  assert.match(refusals({ cluster: { operation: 'Patch', valeu: 'name: x' } }).join(), /did you mean "value"/);
});

const document = () => ({ a: { b: [1, 2, 3] }, c: 'd' });
const after = (...patches: JsonPatch[]) => applyJsonPatches(document(), patches);

test('JSON patches: every operation', () => {
  assert.deepEqual(after({ op: 'add', path: '/a/b/1', value: 9 }), { a: { b: [1, 9, 2, 3] }, c: 'd' });
  assert.deepEqual(after({ op: 'add', path: '/a/b/-', value: 9 }), { a: { b: [1, 2, 3, 9] }, c: 'd' });
  assert.deepEqual(after({ op: 'replace', path: '/a/b/-1', value: 9 }), { a: { b: [1, 2, 9] }, c: 'd' });
  assert.deepEqual(after({ op: 'remove', path: '/a/b/0' }), { a: { b: [2, 3] }, c: 'd' });
  assert.deepEqual(after({ op: 'move', from: '/a/b', path: '/e' }), { a: {}, c: 'd', e: [1, 2, 3] });
  assert.deepEqual(after({ op: 'copy', from: '/c', path: '/a/b/0' }), { a: { b: ['d', 1, 2, 3] }, c: 'd' });
  assert.deepEqual(after({ op: 'add', path: '/x~1y/~0z', value: 1 }), { ...document(), 'x/y': { '~z': 1 } });
});

test('JSON patches as the peer reads them: `add` makes its way, `remove` of nothing is nothing', () => {
  assert.deepEqual(after({ op: 'add', path: '/new/list/0/field', value: 1 }), {
    ...document(),
    new: { list: [{ field: 1 }] },
  });
  assert.deepEqual(after({ op: 'remove', path: '/no/such' }), document());
});

test('JSON patches that cannot be applied say where, and none reaches a prototype', () => {
  assert.throws(() => after({ op: 'replace', path: '/no', value: 1 }), /'\/no' is not there/);
  assert.throws(() => after({ op: 'add', path: '/a/b/7', value: 1 }), /the list has 3 items, none at 7/);
  assert.throws(() => after({ op: 'add', path: '/a/b/x', value: 1 }), /'x' is not a position/);
  assert.throws(() => after({ op: 'add', path: '/c/x', value: 1 }), /neither an object nor a list/);
  assert.throws(() => after({ op: 'copy', from: '/no', path: '/x' }), /'\/no' is not there/);
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    assert.throws(() => after({ op: 'add', path: `/${key}/polluted`, value: 1 }), /never accepted/);
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});
